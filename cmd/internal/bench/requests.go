package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// meter puts requests and reads what they cost.
type meter struct {
	base             string
	server, database int // process ids; database 0 is inside the server
	cells            map[string]string
	data             filled
}

// client is one signed-in user.
type client struct {
	base string
	http *http.Client
}

func (c *client) send(method, path string, body, into any) error {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, c.base+path, reader)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s：%d %s", method, path, answer.StatusCode, data)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func (m *meter) signIn(login string) (*client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	keep := http.DefaultTransport.(*http.Transport).Clone()
	keep.MaxIdleConnsPerHost = together
	c := &client{m.base, &http.Client{Jar: jar, Transport: keep}}
	return c, c.send("POST", "/api/sessions", map[string]any{"name": login, "password": password}, nil)
}

// together are the people who work at the same time: request i is put by
// number i modulo together, one after the other.
const together = 64

func each(from, to int, request func(i int) error) error {
	var all errgroup.Group
	for who := range together {
		all.Go(func() error {
			for i := from + who; i < to; i += together {
				if err := request(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// cost is the CPU time of one request in milliseconds, the mean of those from
// from to to; after it the database's part, where that is a process of its own.
func (m *meter) cost(from, to int, request func(i int) error) (string, error) {
	spent := func() (server, database time.Duration, err error) {
		if server, err = cpu(m.server); err == nil {
			database, err = cpu(m.database)
		}
		return
	}
	server, database, err := spent()
	if err != nil {
		return "", err
	}
	if err := each(from, to, request); err != nil {
		return "", err
	}
	serverThen, databaseThen, err := spent()
	shown := func(d time.Duration) string {
		ms := float64(d) / float64(time.Millisecond) / float64(to-from)
		if ms >= 10 {
			return fmt.Sprintf("%.0f", ms)
		}
		return fmt.Sprintf("%.2f", ms)
	}
	text := shown(serverThen - server + databaseThen - database)
	if m.database != 0 {
		text += "（库" + shown(databaseThen-database) + "）"
	}
	return text, err
}

// warm puts a tenth of the requests first, then measures the others.
func (m *meter) warm(key string, n int, request func(i int) error) (err error) {
	if err = each(0, n/10, request); err == nil {
		m.cells[key], err = m.cost(n/10, n, request)
	}
	return err
}

func (m *meter) memory(key string) error {
	mb, err := memory(m.server, "VmRSS")
	m.cells[key] = fmt.Sprint(mb)
	return err
}

// marks is what an expert sends; text is the opinion.
func marks(version int, text string) map[string]any {
	body := map[string]any{"version": version, "recommendation": "recommend"}
	if text != "" {
		body["opinion"] = text
	}
	var given []any
	for i, c := range criteria {
		given = append(given, map[string]any{"criterion": c.Code, "mark": 15 + float64(i)})
	}
	body["marks"] = given
	return body
}

// about1KB of Chinese text: three bytes to a character.
var about1KB = strings.Repeat("技术路线清晰可行，研究基础扎实。", 22)

// board is the officer's board of a review.
func board(review, query string) string { return "/api/reviews/" + review + "/board?" + query }

// whole reads a list to its end.
func (c *client) whole(path string) error {
	after := ""
	for {
		var page struct{ Next string }
		if err := c.send("GET", path+after, nil, &page); err != nil || page.Next == "" {
			return err
		}
		after = "&after=" + page.Next
	}
}

func (m *meter) all() error {
	if err := m.memory("fresh"); err != nil {
		return err
	}
	officer, err := m.signIn("officer")
	if err != nil {
		return err
	}
	expert, err := m.signIn("expert")
	if err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	if err := m.memory("idle"); err != nil {
		return err
	}
	sheets := m.data.sheets
	versions := [2 * together]int{} // of the sheets that are saved, each by one person
	save := func(text string) func(int) error {
		return func(i int) error {
			at := i % len(versions)
			versions[at]++
			return expert.send("PATCH", "/api/sheets/"+sheets[at], marks(versions[at], text), nil)
		}
	}
	for _, r := range []struct {
		key string
		n   int
		do  func(int) error
	}{
		{"session", 2000, func(int) error { return expert.send("GET", "/api/sessions/current", nil, nil) }},
		{"open", 2000, func(i int) error { return expert.send("GET", "/api/sheets/"+sheets[i%len(sheets)], nil, nil) }},
		{"save", 1500, save("")},
		{"text", 1500, save(about1KB)},
		{"submit", len(sheets) - len(versions), func(i int) error {
			return expert.send("POST", "/api/sheets/"+sheets[len(versions)+i]+"/submit", marks(1, "方案可行，建议支持。"), nil)
		}},
		{"board", 100, func(int) error { return officer.send("GET", board(m.data.past, "limit=1000"), nil, nil) }},
		{"page", 500, func(int) error { return officer.send("GET", board(m.data.past, "limit=50"), nil, nil) }},
		{"running", 100, func(int) error { return officer.send("GET", board(m.data.marking, "limit=1000"), nil, nil) }},
		{"list", 20, func(int) error { return officer.whole("/api/applications?limit=200&review_id=" + m.data.past) }},
		{"rows", 500, func(int) error {
			return officer.send("GET", "/api/applications?limit=50&review_id="+m.data.past, nil, nil)
		}},
		{"conflicts", 20, func(int) error {
			return officer.send("POST", "/api/conflicts/check", map[string]any{"programme_id": m.data.programme, "expert_ids": m.data.experts}, nil)
		}},
	} {
		if err := m.warm(r.key, r.n, r.do); err != nil {
			return err
		}
	}
	return nil
}
