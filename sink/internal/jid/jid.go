// Package jid prepares addresses of XMPP as RFC 7622 says, before they are
// used or compared.
package jid

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// maxPart is the most that a part may have, in bytes (RFC 7622, 3.2 to 3.4).
const maxPart = 1023

// Bare is an address of an account or a room, local@domain, prepared.
type Bare struct {
	Local  string
	Domain string // with U-labels: DNS and certificates have ASCII
}

// String is the address as it is written in XMPP.
func (b Bare) String() string { return b.Local + "@" + b.Domain }

// Parse prepares an address of the form local@domain. The errors say what an
// operator should write instead.
func Parse(text string) (Bare, error) {
	switch {
	case isURI(text):
		return Bare{}, fmt.Errorf("is a URI: write the address alone, %s", Named(text))
	case strings.Contains(text, "/"):
		bare, _, _ := strings.Cut(text, "/")
		return Bare{}, fmt.Errorf("has a resource: write the part before the slash, %s", bare)
	}
	local, domain, found := strings.Cut(text, "@")
	domain = strings.TrimSuffix(domain, ".")
	if !found || local == "" || domain == "" {
		return Bare{}, errors.New("is not of the form local@domain")
	}
	local, err := prepareLocal(local)
	if err != nil {
		return Bare{}, err
	}
	domain, err = Domain(domain)
	if err != nil {
		return Bare{}, err
	}
	return Bare{local, domain}, nil
}

const scheme = "xmpp:"

func isURI(text string) bool {
	return len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme)
}

// Named is the address that a URI names (RFC 5122), without what to do there: servers
// write xmpp:room@service?join, settings take room@service. Other text stays as it is.
func Named(text string) string {
	if !isURI(text) {
		return text
	}
	bare, _, _ := strings.Cut(text[len(scheme):], "?")
	bare = strings.TrimLeft(bare, "/")
	if plain, err := url.PathUnescape(bare); err == nil {
		return plain
	}
	return bare
}

// notInLocal are the characters that the profile takes and a localpart must not
// have (RFC 7622, 3.3.1).
const notInLocal = "\"&'/:<>@"

func prepareLocal(local string) (string, error) {
	if i := strings.IndexAny(local, notInLocal); i >= 0 {
		return "", wrongCharacter(local, i)
	}
	prepared, err := precis.UsernameCaseMapped.String(local)
	if err != nil {
		return "", refused(local, precis.UsernameCaseMapped)
	}
	return prepared, fits(prepared)
}

// Domain prepares the domain of an address (RFC 7622, 3.2): lower case, U-labels
// (RFC 5890). An IP address stays as it is.
func Domain(domain string) (string, error) {
	if _, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return strings.ToLower(domain), nil
	}
	if i := strings.IndexFunc(domain, isForeign); i >= 0 {
		return "", wrongCharacter(domain, i)
	}
	if strings.Contains(domain, ":") {
		return "", errors.New("has a port: write the domain alone, and the address of a server in XMPP_ADDR")
	}
	ascii, err := lookup().ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("has a domain that DNS does not take (RFC 5891): %q", domain)
	}
	unicode, err := lookup().ToUnicode(ascii)
	if err != nil {
		return "", fmt.Errorf("has a domain that DNS does not take (RFC 5891): %q", domain)
	}
	return unicode, fits(unicode)
}

// ASCII is a domain as DNS, SNI and certificates have it: with A-labels.
func ASCII(domain string) string {
	if ascii, err := lookup().ToASCII(domain); err == nil {
		return ascii
	}
	return domain
}

// lookup is idna.Lookup, but for the underscore: names of containers have it, and servers
// take it.
func lookup() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))
}

// Nickname prepares a nickname, which is a resourcepart (RFC 7622, 3.4).
func Nickname(nick string) (string, error) {
	prepared, err := precis.OpaqueString.String(strings.TrimSpace(nick))
	if err != nil {
		return "", refused(nick, precis.OpaqueString)
	}
	return prepared, fits(prepared)
}

// Same reports whether a server that prepares addresses by the older RFC 6122
// (nodeprep, nameprep, resourceprep) may take two for the same. Such a server
// answers from another spelling than it was asked for: straße is strasse.
func Same(a, b string) bool { return a == b || fold(a) == fold(b) }

func fold(text string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
}

func isForeign(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("\"&'/<>@", r)
}

func fits(part string) error {
	if len(part) > maxPart {
		return fmt.Errorf("has a part of %d bytes: RFC 7622 allows %d", len(part), maxPart)
	}
	return nil
}

// refused names the first character that a profile does not take, if one is to
// blame.
func refused(text string, profile *precis.Profile) error {
	for i, r := range text {
		if _, err := profile.String(string(r)); err != nil && !unicode.IsMark(r) {
			return wrongCharacter(text, i)
		}
	}
	return errors.New("has characters that cannot stand together (RFC 8265)")
}

// wrongCharacter counts characters from 1, as people do.
func wrongCharacter(text string, at int) error {
	r, _ := utf8.DecodeRuneInString(text[at:])
	name := fmt.Sprintf("%q", r)
	if !unicode.IsPrint(r) {
		name = fmt.Sprintf("%U", r)
	}
	return fmt.Errorf("has the character %s at position %d, which is not allowed in an address", name, utf8.RuneCountInString(text[:at])+1)
}
