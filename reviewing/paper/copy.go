// Package paper makes the papers that leave the service. Copy is what an
// expert gets of an applicant's material: never the bare file, always with a
// cover page that says whose copy it is, of what, and since when (P-24). A PDF
// gets the cover as its first page and the reader's code at the foot of every
// other; what is no PDF, or one that cannot be taken apart, lies beside its
// cover in a ZIP archive. The original's digest stands on the cover.
package paper

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"keping/rbac/calendar"
)

// Cover is what a copy's first page says.
type Cover struct {
	Code        string // of the reader's seat
	Review      string // number
	Application string // number
	Title       string // of the application
	File        string // name
	SM3         string // of the original bytes
	At          time.Time
}

// The kinds of a copy.
const (
	KindPDF = "application/pdf"
	KindZIP = "application/zip"
)

// Copy makes the reader's copy and tells its name and kind.
func Copy(c Cover, kind string, original []byte) (name, madeKind string, made []byte, err error) {
	base := strings.TrimSuffix(c.File, path.Ext(c.File))
	if kind == KindPDF {
		if made, err := stamped(c, original); err == nil {
			return base + "-" + c.Code + ".pdf", KindPDF, made, nil
		}
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range []struct {
		name string
		data []byte
	}{{"封面.pdf", c.page()}, {c.File, original}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: c.At})
		if err != nil {
			return "", "", nil, err
		}
		if _, err := w.Write(part.data); err != nil {
			return "", "", nil, err
		}
	}
	if err := z.Close(); err != nil {
		return "", "", nil, err
	}
	return base + "-" + c.Code + ".zip", KindZIP, out.Bytes(), nil
}

func init() { model.ConfigPath = "disable" } // the library writes no settings to disk

// stamped puts the cover before a PDF and the reader's code on its pages. What
// applicants upload may break the library: that is an error like any other.
func stamped(c Cover, original []byte) (made []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pdf: %v", r)
		}
	}()
	settings := model.NewDefaultConfiguration()
	settings.Offline = true
	foot := strings.Map(func(r rune) rune { // the stamp's letters are Latin
		if r < 0x20 || r > 0x7e {
			return '-'
		}
		return r
	}, c.Code+"  "+c.Application+"  "+calendar.Stamp(c.At))
	stamp, err := pdfcpu.ParseTextWatermarkDetails(foot, "font:Helvetica, points:9, pos:bc, off:0 6, rot:0, scale:1 abs, op:0.6", true, types.POINTS)
	if err != nil {
		return nil, err
	}
	var marked, merged bytes.Buffer
	if err := api.AddWatermarks(bytes.NewReader(original), &marked, nil, stamp, settings); err != nil {
		return nil, err
	}
	err = api.MergeRaw([]io.ReadSeeker{bytes.NewReader(c.page()), bytes.NewReader(marked.Bytes())}, &merged, false, settings)
	return merged.Bytes(), err
}

// page is the cover as a PDF of one page. Its font is the Song type that every
// reader has at hand for simplified Chinese: nothing is embedded.
func (c Cover) page() []byte {
	var content strings.Builder
	y := 760
	line := func(size, indent int, text string) {
		units := utf16.Encode([]rune(text))
		raw := make([]byte, 0, 2*len(units))
		for _, u := range units {
			raw = append(raw, byte(u>>8), byte(u))
		}
		fmt.Fprintf(&content, "BT /F1 %d Tf %d %d Td <%s> Tj ET\n", size, 72+indent, y, hex.EncodeToString(raw))
		y -= 2 * size
	}
	long := func(label, text string) {
		runes := []rune(label + text)
		for start := 0; start < len(runes); start += 32 {
			line(14, 0, string(runes[start:min(start+32, len(runes))]))
		}
	}
	line(22, 90, "评审材料（专家专用副本）")
	y -= 20
	long("专家代号：", c.Code)
	long("评审批次：", c.Review)
	long("申报编号：", c.Application)
	long("项目名称：", c.Title)
	long("文件：", c.File)
	long("原件摘要（SM3）：", c.SM3[:min(32, len(c.SM3))])
	long("", c.SM3[min(32, len(c.SM3)):])
	long("取得时间：", calendar.Stamp(c.At))
	y -= 20
	long("", "本件仅供上述专家评审使用，不得复制、转发或留存；下载已留痕，评审结束后请销毁。")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
		"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H /DescendantFonts [6 0 R] >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", content.Len(), content.String()),
		"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 5 >> /DW 1000 /W [1 95 500] /FontDescriptor 7 0 R >>",
		"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return out.Bytes()
}
