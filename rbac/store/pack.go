package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/configs/rulepacks"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// packRow is a loaded pack; acts use the newest approved one in force.
type packRow struct {
	ID         string `gorm:"primaryKey;size:36"`
	Name       string `gorm:"size:60"`
	Version    string `gorm:"size:40"`
	Digest     string `gorm:"size:64"`
	Content    string `gorm:"type:longtext"`
	InForce    string `gorm:"size:10"`
	State      string `gorm:"size:20"` // loaded, approved
	LoadedBy   string `gorm:"size:36"`
	ApprovedBy string `gorm:"size:36"`
	ApprovedAt *time.Time
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
}

func (packRow) TableName() string { return "rule_packs" }

// parsed packs by id: a pack never changes.
var parsed sync.Map

// PackInForce selects the id of the pack in force on the day given: acts that
// must be quick put it into a statement they send anyway.
const PackInForce = `SELECT id FROM rule_packs WHERE state = 'approved' AND in_force <= ? ORDER BY in_force DESC, approved_at DESC, id DESC LIMIT 1`

// Pack is the rule pack in force at the act's instant.
func (s *Store) Pack(step *Step) (*rulebook.Pack, error) {
	var id string
	if err := step.Raw(PackInForce, calendar.Day(step.Now)).Scan(&id).Error; err != nil {
		return nil, err
	}
	return s.PackOf(step, id)
}

// PackOf is the pack that PackInForce has found; "" is none.
func (s *Store) PackOf(step *Step, id string) (*rulebook.Pack, error) {
	if id == "" {
		return nil, rbac.Refuse(rbac.RefusedState, "没有已生效的规则包，请由经办载入、科技局领导批准后再办理。")
	}
	pack, ok := parsed.Load(id)
	if !ok {
		var row packRow
		if err := step.Select("content", "digest").Take(&row, "id = ?", id).Error; err != nil {
			return nil, err
		}
		p, err := rulebook.Kept([]byte(row.Content), rulepacks.Shapingba, row.Digest)
		if err != nil {
			return nil, err
		}
		pack, _ = parsed.LoadOrStore(id, p)
	}
	if s.Adjust != nil {
		return s.Adjust(pack.(*rulebook.Pack)), nil
	}
	return pack.(*rulebook.Pack), nil
}

// PackView is a loaded pack.
type PackView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name" example:"shapingba"`
	Version    string     `json:"version" example:"2025.1"`
	Digest     string     `json:"digest" doc:"规范写法的SM3摘要"`
	InForce    string     `json:"in_force" example:"2025-01-01"`
	State      string     `json:"state" enum:"loaded,approved"`
	ApprovedAt *time.Time `json:"approved_at"`
}

func viewPack(r packRow) PackView {
	return PackView{r.ID, r.Name, r.Version, r.Digest, r.InForce, r.State, r.ApprovedAt}
}

// LoadPack keeps a pack for a director to approve.
func (s *Store) LoadPack(step *Step, content []byte) (PackView, error) {
	pack, err := rulebook.Parse(content)
	if err != nil {
		return PackView{}, rbac.Invalid("pack", "%v", err)
	}
	row := packRow{ID: step.NewID(), Name: pack.Name, Version: pack.Version, Digest: pack.ID()[len(pack.ID())-64:], Content: string(content),
		InForce: pack.InForce, State: "loaded", LoadedBy: step.Call.Actor.User, CreatedAt: step.Now}
	step.On(row.ID)
	step.Fact("pack", pack.ID())
	return viewPack(row), step.Create(&row).Error
}

// ApprovePack puts a pack in force from its day on; old verdicts keep theirs.
func (s *Store) ApprovePack(step *Step, id string) (PackView, error) {
	var row packRow
	err := step.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return PackView{}, rbac.Missing("该规则包")
	} else if err != nil {
		return PackView{}, err
	}
	if row.State != "loaded" {
		return PackView{}, rbac.Refuse(rbac.RefusedState, "该规则包已经批准过。如需改动，请载入新版本。")
	}
	row.State, row.ApprovedBy, row.ApprovedAt = "approved", step.Call.Actor.User, &step.Now
	step.Fact("digest", row.Digest)
	return viewPack(row), database.Swap(step.Tx, &packRow{}, map[string]any{"id": id, "state": "loaded"},
		map[string]any{"state": row.State, "approved_by": row.ApprovedBy, "approved_at": step.Now})
}

// Packs pages through the loaded packs by id.
func (s *Store) Packs(ctx context.Context, after string, limit int) ([]PackView, error) {
	var rows []packRow
	err := s.DB.Read(ctx).Where("id > ?", after).Order("id").Limit(limit).Find(&rows).Error
	views := make([]PackView, len(rows))
	for i, r := range rows {
		views[i] = viewPack(r)
	}
	return views, err
}

// EnsurePack approves the shipped pack where there is none yet, as "cli".
func (s *Store) EnsurePack(ctx context.Context, content []byte) error {
	var n int64
	if err := s.DB.Read(ctx).Model(&packRow{}).Count(&n).Error; err != nil || n > 0 {
		return err
	}
	call := Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: "rule_pack approve"}
	_, _, err := Act(ctx, s, call, func(step *Step) (PackView, error) {
		loaded, err := s.LoadPack(step, content)
		if err != nil {
			return loaded, err
		}
		return s.ApprovePack(step, loaded.ID)
	})
	if refusal, ok := rbac.AsRefusal(err); ok && refusal.Kind == rbac.RefusedState {
		return nil // another replica was first
	}
	return err
}

// Release marks failing soft rules that a director has released for an object.
func (s *Store) Release(step *Step, object string, verdicts []rulebook.Verdict) ([]rulebook.Verdict, error) {
	for i, v := range verdicts {
		if v.Effect != rulebook.Releasable || len(rulebook.Blocking(verdicts[i:i+1])) == 0 {
			continue
		}
		var n int64
		if err := step.Model(&rbac.Release{}).Where("rule = ? AND object = ?", v.Rule, object).Count(&n).Error; err != nil {
			return nil, err
		}
		if n > 0 {
			verdicts[i] = rulebook.Released(v)
		}
	}
	return verdicts, nil
}

// Obey judges verdicts on an object, releases considered; a block refuses with
// all failing verdicts.
func (s *Store) Obey(step *Step, object string, verdicts ...rulebook.Verdict) error {
	verdicts, err := s.Release(step, object, verdicts)
	if err != nil {
		return err
	}
	return step.Obey(verdicts...)
}

// NewRelease is what a director releases.
type NewRelease struct {
	Rule   string `json:"rule" maxLength:"20" example:"R-022"`
	Object string `json:"object" maxLength:"100" pattern:"^[a-z_]+/[A-Za-z0-9-]+$" doc:"对象，如 expert/编号" example:"expert/0190b2a0-0000-7000-8000-000000000000"`
	Reason string `json:"reason" minLength:"5" maxLength:"500" doc:"书面理由，随结果一并印出"`
}

// CreateRelease releases a soft rule for one object.
func (s *Store) CreateRelease(step *Step, in NewRelease) (rbac.Release, error) {
	rule, ok := rulebook.Lookup(in.Rule)
	if !ok {
		return rbac.Release{}, rbac.Invalid("rule", "没有规则%s", in.Rule)
	}
	if rule.Effect != rulebook.Releasable {
		return rbac.Release{}, rbac.Invalid("rule", "%s（%s）不是可放行的软规则，请按规则办理", in.Rule, rule.Strength)
	}
	row := rbac.Release{ID: step.NewID(), Rule: in.Rule, Object: in.Object, Reason: in.Reason, Salt: secret.Random(16), ReleasedBy: step.Call.Actor.User, CreatedAt: step.Now}
	step.On(row.ID)
	step.Fact("rule_released", in.Rule)
	step.Fact("object", in.Object)
	step.Fact("reason", Digest(row.Salt, in.Reason))
	return row, step.Create(&row).Error
}
