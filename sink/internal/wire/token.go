package wire

import (
	"bytes"
	"errors"
	"fmt"
)

type tokenKind byte

const (
	text    tokenKind = iota
	open              // <a>
	closing           // </a>
	empty             // <a/>
	cdata             // <![CDATA[...]]>
)

var errForbidden = errors.New("comments, processing instructions and DTDs are not allowed in XMPP (RFC 6120, 11.1)")

const cdataStart, cdataEnd = "<![CDATA[", "]]>"

// token returns the kind and length of the token at the start of b. Length 0
// without an error: b ends before the token does. Text may be returned in
// pieces.
func token(b []byte) (tokenKind, int, error) {
	switch {
	case len(b) == 0:
		return text, 0, nil
	case b[0] != '<':
		if i := bytes.IndexByte(b, '<'); i >= 0 {
			return text, i, nil
		}
		return text, len(b), nil
	case len(b) == 1:
		return text, 0, nil
	}
	switch c := b[1]; {
	case c == '/':
		return closing, bytes.IndexByte(b, '>') + 1, nil
	case c == '!':
		return cdataToken(b)
	case c == '?':
		return text, 0, errForbidden
	case !nameByte(c):
		return text, 0, fmt.Errorf("malformed tag %.40q", b)
	}
	n := tagEnd(b)
	if n > 0 && b[n-2] == '/' {
		return empty, n, nil
	}
	return open, n, nil
}

func cdataToken(b []byte) (tokenKind, int, error) {
	if !bytes.HasPrefix(b, []byte(cdataStart)[:min(len(b), len(cdataStart))]) {
		return text, 0, errForbidden
	}
	if i := bytes.Index(b, []byte(cdataEnd)); i >= 0 {
		return cdata, i + len(cdataEnd), nil
	}
	return cdata, 0, nil
}

// tagEnd returns the length of the tag at the start of b, 0 if it is not
// complete. A '>' inside quotes does not end it: ejabberd writes it raw.
func tagEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '>':
			return i + 1
		case '"', '\'':
			j := bytes.IndexByte(b[i+1:], b[i])
			if j < 0 {
				return 0
			}
			i += 1 + j
		}
	}
	return 0
}

// stub returns a short token that is of the same kind as the incomplete one in
// b, and ends with the same byte of what follows.
func stub(b []byte) string {
	switch b[1] {
	case '/':
		return "</"
	case '!':
		return cdataStart + string(b[len(b)-len(cdataEnd)+1:])
	}
	for i := 1; i < len(b); i++ {
		if b[i] != '"' && b[i] != '\'' {
			continue
		}
		j := bytes.IndexByte(b[i+1:], b[i])
		if j < 0 {
			return "<x" + string(b[i])
		}
		i += 1 + j
	}
	if b[len(b)-1] == '/' {
		return "<x/"
	}
	return "<x"
}

// name returns the name in the open or empty tag at the start of b.
func name(b []byte) []byte {
	i := 1
	for i < len(b) && nameByte(b[i]) {
		i++
	}
	return b[1:i]
}

// nameByte reports whether c can be part of a tag or attribute name.
func nameByte(c byte) bool {
	return c > ' ' && c != '<' && c != '>' && c != '/' && c != '=' && c != '"' && c != '\''
}
