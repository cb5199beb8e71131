package naming

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func pairs(t testing.TB, file string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}

// TestPairs judges realistic pairs, in both orders, and prints precision and
// recall of each verdict.
func TestPairs(t *testing.T) {
	aliases := Default()
	said, meant, right := map[Verdict]int{}, map[Verdict]int{}, map[Verdict]int{}
	total := 0
	judge := func(kind string, compare func(a, b string) (Verdict, string)) {
		for _, row := range pairs(t, kind) {
			got, why := compare(row[0], row[1])
			back, _ := compare(row[1], row[0])
			assert.Equal(t, got, back, "%v: the order does not matter", row)
			assert.NotEmpty(t, why, row)
			want := Verdict(row[2])
			said[got]++
			meant[want]++
			total++
			if got == want {
				right[got]++
			} else {
				t.Errorf("%s: %q, %q: %s (%s), should be %s", kind, row[0], row[1], got, why, want)
			}
		}
	}
	judge("units.csv", aliases.Units)
	judge("people.csv", People)
	assert.GreaterOrEqual(t, total, 120)
	for _, v := range []Verdict{Same, Related, Unknown, Different} {
		t.Logf("%-9s precision %d/%d, recall %d/%d", v, right[v], said[v], right[v], meant[v])
	}
}

// TestReflexive: a name is one name with itself, unless it names nobody, and
// its key is the same once more.
func TestReflexive(t *testing.T) {
	aliases := Default()
	for _, row := range pairs(t, "units.csv") {
		for _, name := range row[:2] {
			if v, _ := aliases.Units(name, name); v != Unknown {
				assert.Equal(t, Same, v, name)
			}
			key := aliases.UnitKey(name)
			assert.Equal(t, key, aliases.UnitKey(key), name)
		}
	}
	for _, row := range pairs(t, "people.csv") {
		for _, name := range row[:2] {
			assert.Equal(t, PersonKey(name), PersonKey(PersonKey(name)), name)
		}
	}
}

// TestAlone: names without a document or code never settle anything.
func TestAlone(t *testing.T) {
	for v, want := range map[Verdict]Verdict{Same: Unknown, Different: Unknown, Unknown: Unknown, Related: Related} {
		assert.Equal(t, want, v.Alone(), v)
	}
}

// TestSoundKey: what may be one person is found under one key.
func TestSoundKey(t *testing.T) {
	for _, pair := range [][2]string{{"张伟", "Zhang Wei"}, {"张伟", "wei zhang"}, {"张伟", "章玮教授"}, {"張偉", "张伟"}, {"欧阳娜娜", "Ouyang Nana"}} {
		assert.Equal(t, SoundKey(pair[0]), SoundKey(pair[1]), pair)
	}
	assert.NotEqual(t, SoundKey("张伟"), SoundKey("李伟"))
	assert.Empty(t, SoundKey("张**"))
}

// TestSimplified: a traditional form and its simplified one sound alike, so the
// two lists stand side by side.
func TestSimplified(t *testing.T) {
	require.NotEmpty(t, simplified)
	for from, to := range simplified {
		assert.True(t, from == to || sounds(from, to), "%c %c", from, to)
	}
}

func TestAliases(t *testing.T) {
	aliases := Default()
	v, _ := aliases.Units("绿能研究院", "重庆绿色能源研究院有限公司")
	assert.NotEqual(t, Same, v)
	require.NoError(t, aliases.Read(strings.NewReader("\ufeffalias,name,until\n绿能研究院,重庆绿色能源研究院有限公司,2020-01-01\n")))
	v, why := aliases.Units("绿能研究院", "重庆绿色能源研究院有限公司")
	assert.Equal(t, Same, v)
	assert.Contains(t, why, "2020-01-01前的旧名")
	assert.ErrorContains(t, aliases.Read(strings.NewReader("alias,name\n只有一列\n")), "第2行")
}

// FuzzNames: whatever is written, nothing breaks and the order does not matter.
func FuzzNames(f *testing.F) {
	aliases := Default()
	f.Add("重庆大学（原", ")(")
	f.Add("第〇百零所", "Zhang-")
	f.Add("·", "*")
	f.Fuzz(func(t *testing.T, left, right string) {
		a, why := aliases.Units(left, right)
		b, _ := aliases.Units(right, left)
		if a != b || why == "" {
			t.Errorf("units %q %q: %s %s %s", left, right, a, b, why)
		}
		a, why = People(left, right)
		b, _ = People(right, left)
		if a != b || why == "" {
			t.Errorf("people %q %q: %s %s %s", left, right, a, b, why)
		}
	})
}
