package paper

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var cover = Cover{Code: "E0003", Review: "2025-ZD-01-P01", Application: "2025-ZD-01-001", Title: "智能驾驶域控制器关键技术研究与应用示范及其在山地城市道路中的验证", File: "申报书.pdf",
	SM3: strings.Repeat("ab", 32), At: time.Date(2025, 6, 18, 1, 0, 0, 0, time.UTC)}

// TestCopy: a PDF gets its cover as a page of its own and stays whole; what is
// none, or is broken, lies beside its cover, byte by byte.
func TestCopy(t *testing.T) {
	original := cover.page() // a PDF like any other
	name, kind, made, err := Copy(cover, KindPDF, original)
	require.NoError(t, err)
	assert.Equal(t, "申报书-E0003.pdf", name)
	assert.Equal(t, KindPDF, kind)
	require.NoError(t, api.Validate(bytes.NewReader(made), nil))
	pages, err := api.PageCount(bytes.NewReader(made), nil)
	require.NoError(t, err)
	assert.Equal(t, 2, pages)

	for file, data := range map[string]string{"预算.xlsx": "PK\x03\x04 table", "坏.pdf": "%PDF-1.4 broken", "空.pdf": "", "无后缀": "text"} {
		c := cover
		c.File = file
		asked := KindPDF
		if strings.HasSuffix(file, ".xlsx") {
			asked = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		}
		name, kind, made, err := Copy(c, asked, []byte(data))
		require.NoError(t, err)
		assert.Equal(t, KindZIP, kind)
		assert.True(t, strings.HasSuffix(name, "-E0003.zip"), name)
		z, err := zip.NewReader(bytes.NewReader(made), int64(len(made)))
		require.NoError(t, err)
		require.Len(t, z.File, 2)
		front, err := z.Open("封面.pdf")
		require.NoError(t, err)
		page, err := io.ReadAll(front)
		require.NoError(t, err)
		require.NoError(t, api.Validate(bytes.NewReader(page), nil))
		kept, err := z.Open(file)
		require.NoError(t, err)
		bare, err := io.ReadAll(kept)
		require.NoError(t, err)
		assert.Equal(t, data, string(bare))
	}
}

func FuzzCopy(f *testing.F) {
	f.Add([]byte("%PDF-1.4 broken"))
	f.Add(cover.page())
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, made, err := Copy(cover, KindPDF, data)
		require.NoError(t, err)
		assert.NotEmpty(t, made)
	})
}
