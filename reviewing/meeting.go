package reviewing

import (
	"slices"
	"strings"
	"time"

	"keping/rbac"
	"keping/rbac/journal"
)

// Meeting is where and when a panel meets. A review without one is by
// correspondence: nobody signs in, marks are given from anywhere.
type Meeting struct {
	MeetsAt *time.Time        `json:"meets_at"`
	Place   string            `gorm:"size:200" json:"place"`
	Link    string            `gorm:"size:500" json:"link"`
	Agenda  rbac.List[string] `json:"agenda"`
	Defence rbac.List[Slot]   `json:"defence"` // in order, once the panel is confirmed
}

// Slot is one application's turn and the seat that introduces it (主审).
type Slot struct {
	Application string `json:"application"` // number
	Introducer  string `json:"introducer"`  // code of a seat, "" if nobody may
}

// Absence is the kind of a declaration that an officer enters for an expert who
// is away for one application: a substitute sits for it, nothing else changes.
const Absence = "absence"

// DefenceOrder settles who comes when and who introduces, from the seed of the
// panel's draw, so that anybody can recompute it: applications by
// H(seed + "defence" + number), the introducer of each the technical seat with
// the least H(seed + "introduce" + number + code) among those who review it.
func DefenceOrder(seed string, technical map[string][]string) []Slot {
	numbers := make([]string, 0, len(technical))
	for number := range technical {
		numbers = append(numbers, number)
	}
	by := func(salt string) func(a, b string) int {
		return func(a, b string) int { return strings.Compare(journal.Hash(seed+salt+a), journal.Hash(seed+salt+b)) }
	}
	slices.SortFunc(numbers, by("defence"))
	slots := make([]Slot, len(numbers))
	for i, number := range numbers {
		slots[i].Application = number
		if codes := technical[number]; len(codes) > 0 {
			slots[i].Introducer = slices.MinFunc(codes, by("introduce"+number))
		}
	}
	return slots
}
