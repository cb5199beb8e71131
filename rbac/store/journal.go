package store

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"keping/rbac/journal"
	"keping/rbac/rulebook"
)

// ExportJournal writes all entries, one a line, and returns the last as a checkpoint.
func (s *Store) ExportJournal(ctx context.Context, w io.Writer) (journal.Checkpoint, error) {
	last := journal.Genesis
	db := s.DB.Read(ctx)
	for {
		var rows []entryRow
		if err := db.Where("seq > ?", last.Seq).Order("seq").Limit(1000).Find(&rows).Error; err != nil || len(rows) == 0 {
			return last, err
		}
		for _, r := range rows {
			e := journal.Entry{Seq: r.Seq, At: r.At.UTC().Format(time.RFC3339), Actor: r.Actor, Act: r.Act, Object: r.Object, Prev: r.Prev, Hash: r.Hash}
			facts, err := journal.Parse([]byte(r.Facts))
			if err != nil {
				return last, err
			}
			e.Facts = facts.(map[string]any)
			line, err := journal.Canonical(e)
			if err != nil {
				return last, err
			}
			if _, err := w.Write(append(line, '\n')); err != nil {
				return last, err
			}
			last = journal.Checkpoint{Seq: e.Seq, Hash: e.Hash, At: e.At}
		}
	}
}

// Head is the journal's last entry.
func (s *Store) Head(ctx context.Context) (journal.Checkpoint, error) {
	var head headRow
	err := s.DB.Read(ctx).Take(&head, "id = 1").Error
	return journal.Checkpoint{Seq: head.Seq, Hash: head.Hash, At: head.At.UTC().Format(time.RFC3339)}, err
}

// EntryView is an entry as a supervisor or auditor reads it.
type EntryView struct {
	Seq    int64           `json:"seq"`
	At     time.Time       `json:"at"`
	Actor  string          `json:"actor"`
	Act    string          `json:"act"`
	Object string          `json:"object"`
	Facts  json.RawMessage `json:"facts"`
	Hash   string          `json:"hash"`
}

// Entries pages through the journal, of one object if given.
func (s *Store) Entries(ctx context.Context, object string, after int64, limit int) ([]EntryView, error) {
	q := s.DB.Read(ctx).Where("seq > ?", after)
	if object != "" {
		q = q.Where("object = ?", object)
	}
	var rows []entryRow
	if err := q.Order("seq").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]EntryView, len(rows))
	for i, r := range rows {
		out[i] = EntryView{r.Seq, r.At, r.Actor, r.Act, r.Object, json.RawMessage(r.Facts), r.Hash}
	}
	return out, nil
}

// RedactVerdicts replaces a name in the sealed verdicts of entries since an
// instant that name one of the marks (ids of what is erased) in their object,
// facts or verdicts. Entries and their hashes stay: only what stands beside them
// can be erased.
func RedactVerdicts(step *Step, since time.Time, name, with string, marks []string) error {
	after := int64(0)
	for {
		var rows []entryRow
		err := step.Where("seq > ? AND at >= ? AND verdicts IS NOT NULL", after, since).Order("seq").Limit(500).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			after = r.Seq
			plain, err := step.Keys.Open(r.Verdicts, "journal/"+r.Txn)
			if err != nil {
				return err
			}
			if !strings.Contains(plain, name) || !slices.ContainsFunc(marks, func(id string) bool { return strings.Contains(r.Object+r.Facts+plain, id) }) {
				continue
			}
			redacted, err := redact(plain, name, with)
			if err != nil {
				return err
			}
			sealed := step.Keys.Seal(redacted, "journal/"+r.Txn)
			if err := step.Model(&entryRow{}).Where("seq = ?", r.Seq).Update("verdicts", sealed).Error; err != nil {
				return err
			}
		}
	}
}

// redact replaces a name in the words and values of verdicts, not in their keys.
func redact(plain, name, with string) (string, error) {
	var verdicts []rulebook.Verdict
	if err := json.Unmarshal([]byte(plain), &verdicts); err != nil {
		return "", err
	}
	var inside func(v any) any
	inside = func(v any) any {
		switch v := v.(type) {
		case string:
			return strings.ReplaceAll(v, name, with)
		case []any:
			for i := range v {
				v[i] = inside(v[i])
			}
		case map[string]any:
			for key := range v {
				v[key] = inside(v[key])
			}
		}
		return v
	}
	for i := range verdicts {
		verdicts[i].Message, verdicts[i].Remedy = strings.ReplaceAll(verdicts[i].Message, name, with), strings.ReplaceAll(verdicts[i].Remedy, name, with)
		inside(map[string]any(verdicts[i].Inputs))
	}
	out, err := json.Marshal(verdicts)
	return string(out), err
}
