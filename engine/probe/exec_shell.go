package probe

import "strings"

const execShell = "/bin/sh"

// execShellPlain splits a command into words if no shell is needed to do so:
// every byte stands for itself, and the first word names a program. What is
// not surely so is left to the shell.
func execShellPlain(command string) ([]string, bool) {
	for i := range len(command) {
		if c := command[i]; !execPlainByte(c) && c != ' ' && c != '\t' && c != '=' && c != '%' {
			return nil, false
		}
	}
	words := strings.Fields(command)
	if len(words) == 0 || !execPlainWord(words[0]) || execShellWord(words[0]) {
		return nil, false
	}
	return words, true
}

// execShellSimple gives the first word of a command if it names a program and
// the rest is one simple command (POSIX 2.9.1): then "exec " before it changes
// nothing but the number of processes.
func execShellSimple(command string) (program string, ok bool) {
	trimmed := strings.TrimLeft(command, " \t")
	end := strings.IndexAny(trimmed, " \t")
	if end < 0 {
		return "", false // one word: either plain or strange
	}
	program = trimmed[:end]
	if !execPlainWord(program) || execShellWord(program) {
		return "", false
	}
	return program, execOneCommand(trimmed[end:])
}

// execOneCommand reports whether s, the rest of a command, holds only words,
// quotes, $name and redirections.
func execOneCommand(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return false
			}
			i += 1 + end
		case '"':
			end := execQuoted(s[i+1:])
			if end < 0 {
				return false
			}
			i += 1 + end
		case '\\':
			if i++; i == len(s) || s[i] == '\n' {
				return false
			}
		case '$':
			if !execNameFollows(s[i+1:]) {
				return false
			}
		case '<':
			if i+1 < len(s) && strings.IndexByte("<&(", s[i+1]) >= 0 {
				return false
			}
		case '>':
			// ">&2" is the one redirection with an ampersand that every shell
			// reads the same way.
			if i+1 < len(s) && s[i+1] == '&' {
				if i += 2; i == len(s) || s[i] < '0' || s[i] > '9' {
					return false
				}
			}
		case ';', '&', '|', '(', ')', '`', '\n', '\r', '#', '{', '}', 0:
			return false
		}
	}
	return true
}

// execQuoted finds the end of a double-quoted string that holds no
// substitution but $name, -1 if there is none.
func execQuoted(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		case '`':
			return -1
		case '$':
			if !execNameFollows(s[i+1:]) {
				return -1
			}
		}
	}
	return -1
}

func execNameFollows(s string) bool {
	return s != "" && (s[0] == '_' || 'a' <= s[0] && s[0] <= 'z' || 'A' <= s[0] && s[0] <= 'Z')
}

// execPlainByte reports whether c stands for itself anywhere in a command.
func execPlainByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("_-+.,/:@", c) >= 0
}

func execPlainWord(word string) bool {
	for i := range len(word) {
		if !execPlainByte(word[i]) {
			return false
		}
	}
	return word != ""
}

// execShellWord reports whether a shell in use as /bin/sh (dash, bash, busybox,
// ksh) takes word for its own when it stands first.
func execShellWord(word string) bool {
	switch word {
	case ".", ":", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd", "chdir",
		"command", "compgen", "complete", "compopt", "continue", "coproc", "declare", "dirs", "disown",
		"do", "done", "echo", "elif", "else", "enable", "esac", "eval", "exec", "exit", "export",
		"false", "fc", "fg", "fi", "for", "function", "getopts", "hash", "help", "history", "if", "in",
		"jobs", "kill", "let", "local", "logout", "mapfile", "newgrp", "popd", "print", "printf",
		"pushd", "pwd", "read", "readarray", "readonly", "return", "select", "set", "shift", "shopt",
		"source", "suspend", "test", "then", "time", "times", "trap", "true", "type", "typeset",
		"ulimit", "umask", "unalias", "unset", "until", "wait", "whence", "while":
		return true
	}
	return false
}
