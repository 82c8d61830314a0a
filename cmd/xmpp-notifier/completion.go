package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

const completionUsage = `usage: xmpp-notifier completion bash|zsh|fish
Prints a script that makes the shell complete commands and their flags. To have
it in every shell, add to ~/.bashrc or ~/.zshrc
  source <(xmpp-notifier completion bash)    # or zsh
or for fish run
  xmpp-notifier completion fish > ~/.config/fish/completions/xmpp-notifier.fish`

// showCompletion prints the script for a shell.
func showCompletion(args []string, w io.Writer) error {
	scripts := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	if len(args) != 1 || scripts[args[0]] == nil {
		return &usageError{errors.New(completionUsage)}
	}
	_, err := io.WriteString(w, scripts[args[0]]())
	return err
}

var flagInUsage = regexp.MustCompile(`(?:^|[ \[|])(--?[a-zA-Z][a-z-]*)`)

// candidates returns what can follow a command: words and flags.
func (c command) candidates() string {
	list := c.words
	if c.name == "help" {
		for _, other := range commands() {
			list = append(list, other.name)
		}
	}
	seen := map[string]bool{}
	for _, match := range flagInUsage.FindAllStringSubmatch(c.usage, -1) {
		if name := match[1]; !seen[name] && c.name != "help" {
			seen[name] = true
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// cases returns a line for each command that something can follow.
func cases(format string) string {
	var b strings.Builder
	for _, c := range commands() {
		if list := c.candidates(); list != "" {
			fmt.Fprintf(&b, format, c.name, list)
		}
	}
	return b.String()
}

func bashCompletion() string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return `# bash completion of xmpp-notifier
_xmpp_notifier() {
	local words=""
	if [[ $COMP_CWORD -eq 1 ]]; then
		words="` + strings.Join(names, " ") + `"
	else
		case ${COMP_WORDS[1]} in
` + cases("\t\t%s) words=\"%s\" ;;\n") + `		esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _xmpp_notifier xmpp-notifier
`
}

func zshCompletion() string {
	var names strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&names, "\t\t\t'%s:%s'\n", c.name, quoted(c.summary))
	}
	return `#compdef xmpp-notifier
_xmpp_notifier() {
	if (( CURRENT == 2 )); then
		local -a commands=(
` + names.String() + `		)
		_describe command commands
		return
	fi
	case $words[2] in
` + cases("\t%s) compadd -- %s ;;\n") + `	esac
	_files
}
if [[ $funcstack[1] == _xmpp_notifier ]]; then
	_xmpp_notifier
else
	compdef _xmpp_notifier xmpp-notifier
fi
`
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion of xmpp-notifier\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c xmpp-notifier -n __fish_use_subcommand -f -a %s -d '%s'\n", c.name, quoted(c.summary))
	}
	b.WriteString(cases("complete -c xmpp-notifier -n '__fish_seen_subcommand_from %s' -a '%s'\n"))
	return b.String()
}

// quoted is text between single quotes.
func quoted(text string) string { return strings.ReplaceAll(text, "'", "’") }
