package authjs

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"strings"
	"testing"
)

// The example of RFC 7518, appendix B.3, whose IV and tag stand apart there.
var (
	rfcKey = unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f")
	rfcText   = []byte("A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy without inconvenience")
	rfcHeader = []byte("The second principle of Auguste Kerckhoffs")
	rfcSealed = unhex("1af38c2dc2b96ffdd86694092341bc04" +
		"4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2" +
		"e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3" +
		"a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6" +
		"4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5")
)

func unhex(digits string) []byte {
	b, err := hex.DecodeString(strings.TrimSpace(digits))
	if err != nil {
		panic(err)
	}
	return b
}

func testCBC(t *testing.T) *cbcHMAC {
	t.Helper()
	aead, err := newCBCHMAC(rfcKey)
	if err != nil {
		t.Fatal(err)
	}
	return aead.(*cbcHMAC)
}

func TestTheExampleOfRFC7518Opens(t *testing.T) {
	t.Parallel()
	got, err := testCBC(t).Open(nil, nil, rfcSealed, rfcHeader)
	if err != nil || !bytes.Equal(got, rfcText) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := testCBC(t).Open(nil, nil, rfcSealed, rfcHeader[1:]); err == nil {
		t.Error("opens under another header")
	}
}

func TestAuthenticTextWithBadPaddingIsRefused(t *testing.T) {
	t.Parallel()
	c := testCBC(t)
	for name, block := range map[string]string{
		"no padding":        strings.Repeat("x", 16),
		"zero":              strings.Repeat("x", 15) + "\x00",
		"more than a block": strings.Repeat("\x11", 16),
		"not all the same":  strings.Repeat("x", 13) + "\x02\x03\x03",
	} {
		sealed := bytes.Repeat([]byte{7}, 16)
		text := []byte(block)
		cipher.NewCBCEncrypter(c.block, sealed).CryptBlocks(text, text)
		sealed = append(sealed, text...)
		tag := c.tag(rfcHeader, sealed)
		if got, err := c.Open(nil, nil, append(sealed, tag[:]...), rfcHeader); err == nil {
			t.Errorf("%s: opens as %q", name, got)
		}
	}
}
