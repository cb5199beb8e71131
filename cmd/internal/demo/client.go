package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"strings"

	"keping/rbac/rulebook"
)

// client is one signed-in user of the HTTP API, as a browser would be.
type client struct {
	base string
	http *http.Client
	name string
}

func newClient(base, name string) *client {
	jar, _ := cookiejar.New(nil)
	return &client{base: base, http: &http.Client{Jar: jar}, name: name}
}

// problem is a refusal as the API answers it.
type problem struct {
	Status   int                `json:"status"`
	Detail   string             `json:"detail"`
	Code     string             `json:"code"`
	Verdicts []rulebook.Verdict `json:"verdicts"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s", p.Status, p.Detail) }

func (c *client) send(request *http.Request) ([]byte, error) {
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		p := &problem{Status: answer.StatusCode}
		if err := json.Unmarshal(data, p); err != nil {
			return nil, fmt.Errorf("%s %s: %d %s", request.Method, request.URL.Path, answer.StatusCode, data)
		}
		return nil, p
	}
	return data, nil
}

func (c *client) call(method, path string, body any) ([]byte, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, c.base+path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	data, err := c.send(request)
	if err != nil {
		return nil, fmt.Errorf("%s：%s %s：%w", c.name, method, path, err)
	}
	return data, nil
}

// act posts one act and returns its result.
func act[R any](c *client, path string, body any) (R, error) {
	return write[R](c, http.MethodPost, path, body)
}

func write[R any](c *client, method, path string, body any) (R, error) {
	var out struct {
		Result R `json:"result"`
	}
	data, err := c.call(method, path, body)
	if err != nil {
		return out.Result, err
	}
	return out.Result, json.Unmarshal(data, &out)
}

func read[R any](c *client, path string) (R, error) {
	var out R
	data, err := c.call(http.MethodGet, path, nil)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(data, &out)
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all reads a whole list, page by page.
func all[T any](c *client, path string) ([]T, error) {
	var out []T
	after := ""
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	for {
		p, err := read[page[T]](c, path+joint+"limit=200&after="+after)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Items...)
		if p.Next == "" {
			return out, nil
		}
		after = p.Next
	}
}

// upload sends a file and returns its id.
func (c *client) upload(name string, data []byte) (string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return "", err
	}
	if _, err := part.Write(data); err != nil {
		return "", err
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	request, err := http.NewRequest(http.MethodPost, c.base+"/api/files", &body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := c.send(request)
	if err != nil {
		return "", err
	}
	var out struct {
		Result struct {
			ID string `json:"id"`
		} `json:"result"`
	}
	return out.Result.ID, json.Unmarshal(answer, &out)
}

func unmarshal(data []byte, into any) error { return json.Unmarshal(data, into) }

type idRow struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// act0 posts something that answers without {result}.
func act0[R any](c *client, path string, body any) (R, error) {
	data, err := c.call("POST", path, body)
	var out R
	if err != nil {
		return out, err
	}
	return out, unmarshal(data, &out)
}
