package meta

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pharos/scripts"
)

// inText are the names that a topic's text leads to.
var inText = regexp.MustCompile(`pharos\.[A-Za-z_.:]*[A-Za-z]|\w+\.lua|\btest\.case`)

func TestTopics(t *testing.T) {
	var names []string
	for _, e := range Entries() {
		name, _, _ := strings.Cut(e.Name, "(")
		names = append(names, name)
	}
	for _, topic := range Topics() {
		if topic.Text == "" || slices.Contains(topic.Words, "") {
			t.Errorf("topic %q has no text, or an empty word", topic.Words)
		}
		for i, word := range topic.Words {
			if slices.ContainsFunc(topic.Words[:i], func(w string) bool { return plainWord(w) == plainWord(word) }) {
				t.Errorf("topic %q has the word %q twice", topic.Words[0], word)
			}
		}
		leads := inText.FindAllString(topic.Text, -1)
		for _, name := range leads {
			if _, err := scripts.FS.Open(name); err != nil && !slices.Contains(names, name) {
				t.Errorf("topic %q leads to %q, which is neither in the reference nor a script", topic.Words[0], name)
			}
		}
	}
}

// What people look for first, in their own words.
func TestTopicWords(t *testing.T) {
	for word, want := range map[string]string{
		"webhook": "pages nobody", "Slack": "pages nobody", "alerts": "pages nobody", "notify": "pages nobody",
		"threshold": "pharos.Thresholds", "JSON": "api_json.lua", "cookie": "answer.cookies", "retry": "confirm",
		"timezone": "$TZ", "time-zone": "$TZ", "disk": "disk.lua", "certificate": "TLSMetricWatcher",
		"postgres": "psql", "redis": "redis_queue.lua", "mysql": "No client", "cpu": "no agent", "ssl": "TLSMetricWatcher",
		"regex": "patterns", "p95": "pharos.ring", "average": "pharos.ring", "graph": "no graphs", "websocket": "no such primitive",
		"push": "Nothing can be pushed", "mute": "maintenance.lua", "dependencies": "needs", "dependency": "needs", "xml": "Only JSON",
		"parallel": "beside the others", "library": "require", "restart": "self.state", "process": "pgrep", "not equal": "~=",
		"utf8": "utf8.charpattern", "strftime": "os.date", "forecast": "what is left", "sandbox": "grep -c",
		"paused": "pharos.time.sleep", "endless loop": "16 MB", "oauth": "renewed",
	} {
		var texts []string
		for _, topic := range Topics() {
			if topic.About(word) {
				texts = append(texts, topic.Text)
			}
		}
		if text := strings.Join(texts, "\n"); !strings.Contains(text, want) {
			t.Errorf("topics about %q = %q, want %q in them", word, text, want)
		}
	}
}
