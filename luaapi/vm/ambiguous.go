package vm

// A "(" that begins a line may be a call of what the line before ends with, or
// begin a statement. Where it would be a call Lua 5.1 refuses it, and gopher-lua
// makes the call.

// callees tells whether what was read last can be called.
type callees struct {
	callable bool
	line     int    // on which the last token ended
	declares string // the word after which comes a name that is declared, not called
	declared string // that word, after the name
	outer    []bool // for each open bracket, whether what it closes can be called
}

// read takes the next token, which is on the lines from first to last. It tells
// whether it is ambiguous.
func (c *callees) read(token string, first, last int) (ambiguous bool) {
	declared := c.declared
	c.declared = ""
	switch {
	case token == "(":
		ambiguous = c.callable && first != c.line
		parameters := c.declares == "function" || declared == "function"
		c.open(!parameters)
	case token == "{":
		c.open(c.callable) // as the argument of a call
	case token == "[":
		c.open(true)
	case token == ")" || token == "}" || token == "]":
		c.close()
	case token[0] == '"' || token[0] == '\'' || token[0] == '[':
		// a text can be called as what it is the argument of
	case token == "," || token == "." || token == ":":
		c.callable, c.declares = false, declared
	case token == "::" && declared == "":
		c.callable, c.declares = false, token
	case !isWord(token[0]) || isDigit(token[0]) || keywords[token]:
		c.callable, c.declares = false, declaring[token]
	default:
		c.callable = c.declares == ""
		c.declares, c.declared = "", c.declares
	}
	c.line = last
	return ambiguous
}

// declaring has the words after which a name is declared.
var declaring = map[string]string{"local": "local", "function": "function", "for": "for", "goto": "goto"}

var keywords = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true, "for": true,
	"function": true, "goto": true, "if": true, "in": true, "local": true, "nil": true, "not": true, "or": true,
	"repeat": true, "return": true, "then": true, "true": true, "until": true, "while": true,
}

func (c *callees) open(callable bool) {
	c.outer = append(c.outer, callable)
	c.callable, c.declares = false, ""
}

func (c *callees) close() {
	c.callable, c.declares = false, ""
	if n := len(c.outer); n > 0 { // or the parser will say so
		c.callable, c.outer = c.outer[n-1], c.outer[:n-1]
	}
}
