package providertest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/emersion/go-sasl"
)

// mailLogins are the ways to log in that a [MailServer] can demand, by SASL name.
var mailLogins = map[string]func(username, password string) sasl.Server{
	sasl.Plain: func(username, password string) sasl.Server {
		return sasl.NewPlainServer(func(_, gotUser, gotPassword string) error {
			return checkLogin(gotUser == username && gotPassword == password)
		})
	},
	"LOGIN": func(username, password string) sasl.Server {
		return turns("Username:", "Password:", func(said []string) error {
			return checkLogin(said[0] == username && said[1] == password)
		})
	},
	"CRAM-MD5": func(username, password string) sasl.Server {
		challenge := "<" + rand.Text() + "@mail.test>"
		return turns(challenge, "", func(said []string) error { // RFC 2195 section 2
			mac := hmac.New(md5.New, []byte(password))
			mac.Write([]byte(challenge))
			return checkLogin(said[0] == username+" "+hex.EncodeToString(mac.Sum(nil)))
		})
	},
	"XOAUTH2": func(username, token string) sasl.Server {
		return turns("", "", func(said []string) error {
			return checkLogin(said[0] == "user="+username+"\x01auth=Bearer "+token+"\x01\x01")
		})
	},
	"SCRAM-SHA-1": func(username, password string) sasl.Server {
		return &scram{hash: sha1.New, username: username, password: password}
	},
	"SCRAM-SHA-256": func(username, password string) sasl.Server {
		return &scram{hash: sha256.New, username: username, password: password}
	},
}

var errLogin = errors.New("wrong user name or password")

func checkLogin(right bool) error {
	if !right {
		return errLogin
	}
	return nil
}

// asking is a login of one or two questions.
type asking struct {
	questions []string
	said      []string
	check     func(said []string) error
}

// turns asks first and second, if it isn't empty, and checks what was said. An
// empty first question is one that needs no asking.
func turns(first, second string, check func([]string) error) sasl.Server {
	questions := []string{first}
	if second != "" {
		questions = append(questions, second)
	}
	return &asking{questions: questions, check: check}
}

func (a *asking) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		a.said = append(a.said, string(response))
	}
	if len(a.said) < len(a.questions) {
		return []byte(a.questions[len(a.said)]), false, nil
	}
	return nil, true, a.check(a.said)
}

// scram is a server of RFC 5802 without channel binding.
type scram struct {
	hash               func() hash.Hash
	username, password string
	clientFirst        string // without its header
	serverFirst        string
	finished           bool
}

func (s *scram) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case s.finished:
		return nil, true, nil
	case response == nil:
		return nil, false, nil
	case s.clientFirst == "":
		bare, found := strings.CutPrefix(string(response), "n,,")
		name, nonce, ok := strings.Cut(strings.TrimPrefix(bare, "n="), ",r=")
		if !found || !ok || name != s.username {
			return nil, true, errLogin
		}
		s.clientFirst = bare
		s.serverFirst = fmt.Sprintf("r=%s%s,s=%s,i=4096", nonce, rand.Text(), base64.StdEncoding.EncodeToString([]byte("salt")))
		return []byte(s.serverFirst), false, nil
	}
	s.finished = true
	challenge, err = s.finish(string(response))
	return challenge, err != nil, err
}

func (s *scram) finish(clientFinal string) ([]byte, error) {
	withoutProof, proof, _ := strings.Cut(clientFinal, ",p=")
	nonce, _, _ := strings.Cut(s.serverFirst, ",")
	got, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || withoutProof != "c=biws,"+nonce {
		return nil, errLogin
	}
	salted, err := pbkdf2.Key(s.hash, s.password, []byte("salt"), 4096, s.hash().Size())
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	said := s.clientFirst + "," + s.serverFirst + "," + withoutProof
	clientKey := s.mac(salted, "Client Key")
	stored := s.hash()
	stored.Write(clientKey)
	want := make([]byte, len(clientKey))
	subtle.XORBytes(want, clientKey, s.mac(stored.Sum(nil), said))
	if !bytes.Equal(got, want) {
		return nil, errLogin
	}
	signature := s.mac(s.mac(salted, "Server Key"), said)
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), nil
}

func (s *scram) mac(key []byte, text string) []byte {
	mac := hmac.New(s.hash, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

var (
	_ sasl.Server = (*asking)(nil)
	_ sasl.Server = (*scram)(nil)
)
