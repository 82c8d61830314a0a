package render

import (
	"regexp"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// hidden stands for a secret.
const hidden = "…"

// Where secrets are in a text: addresses like https://ann:secret@host, parameters
// like ?token=secret, and the header Authorization.
var (
	userInfo      = regexp.MustCompile(`://([^\s/:@]*):[^\s/]+@`)
	parameter     = regexp.MustCompile(`([\w.-]+)=[^\s&"'<>;,]+`)
	authorization = regexp.MustCompile(`(?i)\b(bearer |authorization: basic )[\w.~+/=-]{8,}`)
)

// withoutSecrets hides them.
func withoutSecrets(s string) string {
	if strings.Contains(s, "://") && strings.Contains(s, "@") {
		s = userInfo.ReplaceAllString(s, "://$1:"+hidden+"@")
	}
	if strings.Contains(s, "=") {
		s = parameter.ReplaceAllStringFunc(s, withoutSecret)
	}
	if strings.Contains(s, "earer ") || strings.Contains(s, "asic ") {
		s = authorization.ReplaceAllString(s, "$1"+hidden)
	}
	return s
}

// withoutSecret hides the value of a parameter that is named like a password.
func withoutSecret(parameter string) string {
	if name, _, _ := strings.Cut(parameter, "="); envelope.IsSecret(name) {
		return name + "=" + hidden
	}
	return parameter
}
