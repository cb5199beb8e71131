package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"keping/configs"
)

// NewDriver is the driver the configuration names.
func NewDriver(cfg configs.Mail) (Driver, error) {
	if cfg.Driver == "log" {
		return logDriver{}, nil
	}
	options := []mail.Option{mail.WithPort(cfg.Port), mail.WithTimeout(20 * time.Second), mail.WithTLSPolicy(mail.NoTLS)}
	if cfg.TLS {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if cfg.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(cfg.User), mail.WithPassword(cfg.Password))
	}
	client, err := mail.NewClient(cfg.Host, options...)
	if err != nil {
		return nil, err
	}
	return smtpDriver{client, cfg.From}, nil
}

// logDriver writes who was told what to the log; the body, which may hold a
// one-time link, only at debug level.
type logDriver struct{}

func (logDriver) Send(ctx context.Context, address, subject, body string) error {
	slog.InfoContext(ctx, "notice", "subject", subject)
	slog.DebugContext(ctx, "notice body", "to", address, "body", body)
	return nil
}

type smtpDriver struct {
	client *mail.Client
	from   string
}

func (d smtpDriver) Send(ctx context.Context, address, subject, body string) error {
	if address == "" {
		return errors.New("没有登记邮箱")
	}
	m := mail.NewMsg()
	if err := m.From(d.from); err != nil {
		return err
	}
	if err := m.To(address); err != nil {
		return err
	}
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, body)
	return d.client.DialAndSendWithContext(ctx, m)
}

// NewWitness appends checkpoints to a file and posts them to a webhook.
func NewWitness(cfg configs.Witness) Driver {
	return witness{cfg, &http.Client{Timeout: 20 * time.Second}}
}

type witness struct {
	configs.Witness
	client *http.Client
}

func (w witness) Send(ctx context.Context, _, _, body string) error {
	if w.File != "" {
		file, err := os.OpenFile(w.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = file.WriteString(body + "\n")
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return err
		}
	}
	if w.Webhook == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Webhook, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("webhook answered %s", answer.Status)
	}
	return nil
}
