// Package mailbox is a real SMTP server on this machine that keeps what it
// gets: the demonstration and the tests read one-time links there, as people do.
package mailbox

import (
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Mailbox listens on Port of the loopback address until Close. Refuse, when
// set, answers for an address instead of taking the mail.
type Mailbox struct {
	Port   int
	Refuse func(address string) error

	mutex  sync.Mutex
	mails  map[string][]string // address → bodies, oldest first
	server *smtp.Server
}

// Open starts a mailbox on a free port.
func Open() (*Mailbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Mailbox{mails: map[string][]string{}, Port: listener.Addr().(*net.TCPAddr).Port}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{box: m}, nil }))
	m.server.Domain = "localhost"
	go m.server.Serve(listener)
	return m, nil
}

// Close ends it.
func (m *Mailbox) Close() error { return m.server.Close() }

type delivery struct {
	box *Mailbox
	to  []string
}

func (d *delivery) Mail(string, *smtp.MailOptions) error { return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if d.box.Refuse != nil {
		if err := d.box.Refuse(to); err != nil {
			return err
		}
	}
	d.to = append(d.to, to)
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	var body io.Reader = message.Body
	if message.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return err
	}
	d.box.mutex.Lock()
	defer d.box.mutex.Unlock()
	for _, to := range d.to {
		d.box.mails[to] = append(d.box.mails[to], subject+"\n"+string(text))
	}
	return nil
}

func (d *delivery) Reset()        { d.to = nil }
func (d *delivery) Logout() error { return nil }

var linkToken = regexp.MustCompile(`#([0-9a-f]{48})`)

// Token waits for the next mail with a one-time link to an address, and of that
// subject matter if one is given, and takes it.
func (m *Mailbox) Token(address string, about ...string) (string, error) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		m.mutex.Lock()
		for i, text := range m.mails[address] {
			if len(about) > 0 && !strings.Contains(text, about[0]) {
				continue
			}
			if found := linkToken.FindStringSubmatch(text); found != nil {
				m.mails[address] = append(m.mails[address][:i:i], m.mails[address][i+1:]...)
				m.mutex.Unlock()
				return found[1], nil
			}
		}
		m.mutex.Unlock()
	}
	return "", fmt.Errorf("没有收到发给 %s 的链接", address)
}

// Peek takes a link that is already there or arrives within moments.
func (m *Mailbox) Peek(address string) (string, error) {
	for range 200 {
		m.mutex.Lock()
		waiting := len(m.mails[address]) > 0
		m.mutex.Unlock()
		if waiting {
			return m.Token(address)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return "", fmt.Errorf("没有收到发给 %s 的链接", address)
}

// Mails are all mails an address has got, oldest first, subject before body.
func (m *Mailbox) Mails(address string) []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.mails[address])
}
