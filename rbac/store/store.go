// Package store keeps users, units and grants, the journal and the outbox, and
// wraps every act: Act runs it in one transaction, appends its journal entry
// last, and journals a refusal after the rollback, before it is answered.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// Store is the database with the keys that seal personal data.
type Store struct {
	DB   *database.DB
	Keys *secret.Keys
	// Adjust, nil but in tests, changes the pack in force: how a test shows
	// that a refusal comes from its rule.
	Adjust func(*rulebook.Pack) *rulebook.Pack
	// Queued, nil without an outbox worker, is told after an act that has queued
	// a notice. After every act it would cost each one a look into the outbox.
	Queued func()
	// Witness says that checkpoints also go to the configured file or webhook.
	Witness bool
}

// Call is one act as the surface hands it in.
type Call struct {
	Actor      rbac.Actor
	Permission rbac.Permission
	Pending    bool   // the role alone does not allow it: the act must show a relation by Step.May
	Object     string // id of the object; "" for a create
	Dry        bool   // check everything, change nothing
	Key        string // Idempotency-Key, or ""
	Digest     string // of the decoded request: another request under the same key is refused
}

// Step is an act in progress: its transaction, its instant, and what it will journal.
type Step struct {
	*database.Tx
	Call     Call
	Keys     *secret.Keys
	Verdicts []rulebook.Verdict

	object       string
	facts        map[string]any
	consequences []consequence
	shown        bool
	quiet        bool
	queued       bool // a notice waits in the outbox
	witness      bool
	checkpoint   string // why the head after this act goes to the witnesses
	minted       uint16
	after        []func(context.Context) error
}

type consequence struct {
	act, object string
	facts       map[string]any
}

var errDry = errors.New("dry run")

// Act runs fn as one act and returns its result and all verdicts. A refusal
// comes back as *rbac.Refusal, already journalled; any other error is a fault.
func Act[R any](ctx context.Context, s *Store, call Call, fn func(*Step) (R, error)) (R, []rulebook.Verdict, error) {
	var result R
	var step *Step
	transaction := uuid.NewString() // by which a commit of unknown outcome is found again
	err := s.DB.Do(ctx, func(tx *database.Tx) error {
		step = &Step{Tx: tx, Call: call, Keys: s.Keys, witness: s.Witness, object: call.Permission.Object(call.Object), facts: map[string]any{}}
		replayed, err := claimKey(step, &result)
		if err != nil || replayed {
			return err
		}
		if result, err = fn(step); err != nil {
			return err
		}
		if call.Pending && !step.shown {
			return fmt.Errorf("%s owes a relation and shows none", call.Permission)
		}
		if call.Dry {
			return errDry
		}
		if err := keepAnswer(step, result); err != nil {
			return err
		}
		return step.journal(transaction)
	}, func(tx *database.Tx) (bool, error) {
		if _, err := lockHead(tx); err != nil {
			return false, err
		}
		var n int64
		err := tx.Model(&entryRow{}).Where("txn = ?", transaction).Count(&n).Error
		return n > 0, err
	})
	if errors.Is(err, errDry) {
		return result, step.Verdicts, nil
	}
	if err != nil {
		err = s.refused(ctx, call, translate(err))
		var zero R
		return zero, nil, err
	}
	if step.queued && s.Queued != nil {
		s.Queued()
	}
	for _, effect := range step.after {
		if err := effect(context.WithoutCancel(ctx)); err != nil {
			return result, step.Verdicts, fmt.Errorf("after %s: %w", call.Permission, err)
		}
	}
	return result, step.Verdicts, nil
}

// translate turns what the store itself refuses into the one vocabulary.
func translate(err error) error {
	switch {
	case errors.Is(err, database.ErrChanged):
		return rbac.Refuse(rbac.RefusedVersion, "内容或状态刚刚被他人改动，本次操作没有执行。请刷新后再办理。")
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return rbac.Refuse(rbac.RefusedState, "相同的记录已经存在，本次操作没有执行。请刷新后核对。")
	}
	return err
}

func (s *Store) refused(ctx context.Context, call Call, err error) error {
	refusal, ok := rbac.AsRefusal(err)
	if !ok {
		return err
	}
	if err := s.Refuse(ctx, call, refusal); err != nil {
		return err
	}
	return refusal
}

// Refuse journals a refusal of call in a transaction of its own. Callers not
// signed in, and dry runs refused by anything but authority, are not journalled.
func (s *Store) Refuse(ctx context.Context, call Call, refusal *rbac.Refusal) error {
	reason, journalled := refusal.Kind.Journalled()
	if !journalled || call.Actor.Role == rbac.Public || (call.Dry && reason != "role") {
		return nil
	}
	facts := map[string]any{"refused": reason}
	if rule := refusal.Rule(); rule != "" {
		facts["rule"] = rule
	}
	transaction := uuid.NewString()
	return s.DB.Do(ctx, func(tx *database.Tx) error {
		step := &Step{Tx: tx, Call: call, Keys: s.Keys, object: call.Permission.Object(call.Object), facts: facts, Verdicts: refusal.Verdicts}
		return step.journal(transaction)
	}, nil)
}

// NewID mints a UUIDv7 from the act's instant; ids of one act sort in order.
func (s *Step) NewID() string {
	id := uuid.New()
	ms := uint64(s.Now.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[7] = 0x70|byte(s.minted>>8)&0x0f, byte(s.minted)
	s.minted++
	return id.String()
}

// Number draws the next business number of a series, counting from 1.
func (s *Step) Number(series string) (int, error) {
	if err := s.Clauses(clause.OnConflict{DoNothing: true}).Create(&counter{Series: series}).Error; err != nil {
		return 0, err
	}
	err := s.Model(&counter{}).Where("series = ?", series).Update("value", gorm.Expr("value + 1")).Error
	if err != nil {
		return 0, err
	}
	var row counter
	err = s.First(&row, "series = ?", series).Error
	return row.Value, err
}

type counter struct {
	Series string `gorm:"primaryKey;size:100"`
	Value  int
}

// May settles a relation inside the transaction: with one shown the pending
// call goes on. An act that only relations allow and that shows none must
// refuse; object is what the caller asked for, in Chinese.
func (s *Step) May(shown bool, object string) error {
	if !s.Call.Pending || shown {
		s.shown = true
		return nil
	}
	return rbac.Hidden(object)
}

// Obey collects verdicts and refuses with all of them when one blocks.
func (s *Step) Obey(verdicts ...rulebook.Verdict) error {
	s.Verdicts = append(s.Verdicts, verdicts...)
	blocking := rulebook.Blocking(verdicts)
	if len(blocking) == 0 {
		return nil
	}
	return &rbac.Refusal{Kind: rbac.RefusedRule, Message: blocking[0].Message, Verdicts: blocking}
}

// On names the object a create has made.
func (s *Step) On(id string) { s.object = s.Call.Permission.Object(id) }

// Fact adds to the entry: ids, codes, integers, booleans, states and digests only.
func (s *Step) Fact(name string, value any) { s.facts[name] = value }

// Brings adds an entry by "system" for what this act brings about of itself.
func (s *Step) Brings(act, object string, facts map[string]any) {
	s.consequences = append(s.consequences, consequence{act, object, facts})
}

// Notify queues a notice in the act's transaction; it leaves after the commit.
func (s *Step) Notify(m notice.Message) error {
	s.queued = true
	return notice.Queue(s.Tx, s.Keys, s.NewID(), m)
}

// After runs once the act is committed: what lies outside the database (the
// sessions of a user in Redis) and must follow it.
func (s *Step) After(effect func(context.Context, string) error, id string) {
	s.after = append(s.after, func(ctx context.Context) error { return effect(ctx, id) })
}

// WantCheckpoint sends the journal's head, as it stands after this act, to the witnesses.
func (s *Step) WantCheckpoint(reason string) { s.checkpoint = reason }

// Unjournalled says that this act has no entry (saving a draft).
func (s *Step) Unjournalled() { s.quiet = true }

// Digest is a salted digest of free text for the journal: the salt stays in the row.
func Digest(salt, text string) string { return journal.Hash(salt + "\n" + text) }

// entryRow is a journal entry as kept. Verdicts are sealed at "journal/<txn>":
// they may name people and can be erased, the entry cannot.
type entryRow struct {
	Seq      int64 `gorm:"primaryKey;autoIncrement:false"`
	At       time.Time
	Actor    string `gorm:"size:100"`
	Act      string `gorm:"size:100"`
	Object   string `gorm:"size:130"`
	Facts    string `gorm:"type:longtext"`
	Prev     string `gorm:"size:64"`
	Hash     string `gorm:"size:64"`
	Txn      string `gorm:"size:36"`
	Verdicts secret.Sealed
}

func (entryRow) TableName() string { return "journal_entries" }

type headRow struct {
	ID   int `gorm:"primaryKey;autoIncrement:false"`
	Seq  int64
	Hash string `gorm:"size:64"`
	At   time.Time
}

func (headRow) TableName() string { return "journal_head" }

func lockHead(tx *database.Tx) (headRow, error) {
	var head headRow
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&head, "id = 1").Error
	return head, err
}

// journal appends the act's entry and its consequences. It comes last: the
// head's lock is what serialises all acts, so it is held for as short as possible.
func (s *Step) journal(transaction string) error {
	var entries []journal.Entry
	if !s.quiet {
		if len(s.Verdicts) > 0 {
			s.facts["pack"] = s.Verdicts[0].Pack
			canonical, err := json.Marshal(s.Verdicts)
			if err != nil {
				return err
			}
			s.facts["verdicts"] = journal.Hash(transaction + "\n" + string(canonical))
		}
		entries = append(entries, journal.Entry{Actor: s.Call.Actor.String(), Act: s.Call.Permission.Act(), Object: s.object, Facts: s.facts})
	}
	for _, c := range s.consequences {
		facts := c.facts
		if facts == nil {
			facts = map[string]any{}
		}
		entries = append(entries, journal.Entry{Actor: string(rbac.System), Act: c.act, Object: c.object, Facts: facts})
	}
	if len(entries) == 0 {
		return nil
	}
	head, err := lockHead(s.Tx)
	if err != nil {
		return err
	}
	at := s.Now
	if head.At.After(at) {
		at = head.At
	}
	rows := make([]entryRow, len(entries))
	for i, entry := range entries {
		entry.At = at.UTC().Format(time.RFC3339)
		sealed, err := journal.Seal(journal.Checkpoint{Seq: head.Seq, Hash: head.Hash}, entry)
		if err != nil {
			return fmt.Errorf("journal %s: %w", entry.Act, err)
		}
		facts, err := journal.Canonical(sealed.Facts)
		if err != nil {
			return err
		}
		rows[i] = entryRow{Seq: sealed.Seq, At: at, Actor: sealed.Actor, Act: sealed.Act, Object: sealed.Object,
			Facts: string(facts), Prev: sealed.Prev, Hash: sealed.Hash, Txn: transaction}
		head.Seq, head.Hash, head.At = sealed.Seq, sealed.Hash, at
	}
	if !s.quiet && len(s.Verdicts) > 0 {
		verdicts, err := json.Marshal(s.Verdicts)
		if err != nil {
			return err
		}
		rows[0].Verdicts = s.Keys.Seal(string(verdicts), "journal/"+transaction)
	}
	if err := s.Create(&rows).Error; err != nil {
		return err
	}
	if s.checkpoint != "" {
		if err := s.tellWitnesses(journal.Checkpoint{Seq: head.Seq, Hash: head.Hash, At: head.At.UTC().Format(time.RFC3339)}); err != nil {
			return err
		}
	}
	return s.Exec("UPDATE journal_head SET seq = ?, hash = ?, at = ? WHERE id = 1", head.Seq, head.Hash, head.At).Error // ours alone since it was locked
}

// Sorted is keys of facts in order, for stable lists in facts.
func Sorted(ids []string) []string { slices.Sort(ids); return ids }
