// Package sheetio reads the tables a bureau brings (.xlsx, .csv in UTF-8 or
// GBK, Chinese headers in any order) and writes tables that no spreadsheet
// takes for formulas. A faulty table is refused whole, with row, column and
// reason of every fault.
package sheetio

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"keping/rbac"
)

// Column is one column of a table; Names are the headers it goes by, the
// Chinese one first.
type Column struct {
	Key      string
	Names    []string
	Required bool // a value in every row
}

// Row is one row's cells by column key. Number counts as a spreadsheet does.
type Row struct {
	Number int
	Cells  map[string]string
}

// Limits of a table: more is refused, not truncated.
const (
	MaxRows  = 20000
	MaxCell  = 5000     // characters
	maxBytes = 64 << 20 // unpacked
)

// severalLines tells cells that may have line breaks: longer texts, and lists,
// of which Split makes single lines.
func severalLines(key string) bool {
	switch key {
	case "summary", "opinion", "aliases", "classes", "keywords", "second", "history", "evidence", "members", "partners", "joint":
		return true
	}
	return strings.HasPrefix(key, "reason:")
}

// Faults are what is wrong with a table, each at its place.
type Faults struct{ rbac.Fields }

// At adds a fault of a cell.
func (f *Faults) At(row int, column, format string, args ...any) {
	if len(f.Fields) < 200 {
		f.Check(false, fmt.Sprintf("第%d行“%s”", row, column), format, args...)
	}
}

// Read reads the first sheet of an .xlsx or a .csv by the file's name and
// content. The faults are complete; with any the rows must not be used.
func Read(name string, data []byte, columns []Column) ([]Row, *Faults) {
	faults := &Faults{}
	var lines [][]string
	var err error
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		lines, err = readXLSX(data)
	} else if strings.HasSuffix(strings.ToLower(name), ".xlsx") {
		err = errors.New("不是.xlsx文件（内容不符），请用Excel另存后再导入")
	} else {
		lines, err = readCSV(data)
	}
	if err != nil {
		faults.Check(false, "文件", "%s", err)
		return nil, faults
	}
	return arrange(lines, columns, faults), faults
}

func readXLSX(data []byte) ([][]string, error) {
	book, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: maxBytes, UnzipXMLSizeLimit: maxBytes})
	if err != nil {
		return nil, errors.New("这个.xlsx无法读取（已损坏、有密码，或解开后过大），请用Excel另存后再导入")
	}
	defer book.Close()
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.New("文件中没有工作表")
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		return nil, errors.New("第一个工作表无法读取，请用Excel另存后再导入")
	}
	defer rows.Close()
	var lines [][]string
	for rows.Next() {
		cells, err := rows.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return nil, errors.New("第一个工作表无法读取，请用Excel另存后再导入")
		}
		if len(lines) > MaxRows {
			return nil, fmt.Errorf("超过%d行，请拆成几个文件导入", MaxRows)
		}
		lines = append(lines, cells)
	}
	return lines, nil
}

func readCSV(data []byte) ([][]string, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		if at := bytes.IndexRune(decoded, utf8.RuneError); err != nil || at >= 0 {
			return nil, fmt.Errorf("既不是UTF-8也不是GBK编码（约第%d字节起），请用Excel另存为“CSV UTF-8”", brokenAt(data))
		}
		data = decoded
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1
	var lines [][]string
	for {
		line, err := reader.Read()
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("CSV第%d行附近引号不配对，请检查", len(lines)+1)
		}
		if len(lines) > MaxRows {
			return nil, fmt.Errorf("超过%d行，请拆成几个文件导入", MaxRows)
		}
		lines = append(lines, line)
	}
}

func brokenAt(data []byte) int {
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at + 1
}

// arrange finds the columns by their headers and checks every cell.
func arrange(lines [][]string, columns []Column, faults *Faults) []Row {
	if len(lines) == 0 {
		faults.Check(false, "文件", "没有内容")
		return nil
	}
	at := map[string]int{}
	for i, header := range lines[0] {
		header = rbac.Fold(header)
		if header == "" {
			continue
		}
		known := slices.IndexFunc(columns, func(c Column) bool {
			return slices.ContainsFunc(c.Names, func(name string) bool { return rbac.Fold(name) == header })
		})
		if known < 0 {
			faults.At(1, header, "没有这一列，可用的列为：%s", names(columns))
			continue
		}
		key := columns[known].Key
		if _, twice := at[key]; twice {
			faults.At(1, header, "这一列出现了两次")
		}
		at[key] = i
	}
	for _, c := range columns {
		if _, ok := at[c.Key]; c.Required && !ok {
			faults.At(1, c.Names[0], "缺少这一列")
		}
	}
	if len(faults.Fields) > 0 {
		return nil
	}
	var rows []Row
	for i, line := range lines[1:] {
		if !slices.ContainsFunc(line, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			continue
		}
		row := Row{Number: i + 2, Cells: map[string]string{}}
		for _, c := range columns {
			j, ok := at[c.Key]
			text := ""
			if ok && j < len(line) {
				text = strings.TrimSpace(line[j])
			}
			form := rbac.OneLine
			if severalLines(c.Key) {
				form = rbac.Lines
			}
			written, err := form(text)
			switch {
			case text == "" && c.Required:
				faults.At(row.Number, c.Names[0], "不能为空")
			case !utf8.ValidString(text):
				faults.At(row.Number, c.Names[0], "不是合法的UTF-8文字")
			case utf8.RuneCountInString(text) > MaxCell:
				faults.At(row.Number, c.Names[0], "超过%d个字", MaxCell)
			case err != nil:
				faults.At(row.Number, c.Names[0], "%s", err)
			case len(text) > 1 && strings.ContainsRune("=+-@", rune(text[0])):
				faults.At(row.Number, c.Names[0], "以“%c”开头，像是公式，请改为普通文字", text[0])
			}
			row.Cells[c.Key] = written
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		faults.Check(false, "文件", "只有表头，没有数据")
	}
	return rows
}

func names(columns []Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Names[0])
	}
	return strings.Join(out, "、")
}

// Sheet is a table to write: texts, integers and booleans.
type Sheet struct {
	Name   string
	Header []string
	Rows   [][]any
}

// Safe keeps a spreadsheet from taking a text for a formula.
func Safe(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// WriteXLSX writes a workbook.
func WriteXLSX(w io.Writer, sheets ...Sheet) error {
	book := excelize.NewFile()
	defer book.Close()
	for i, s := range sheets {
		if i == 0 {
			if err := book.SetSheetName("Sheet1", s.Name); err != nil {
				return err
			}
		} else if _, err := book.NewSheet(s.Name); err != nil {
			return err
		}
		stream, err := book.NewStreamWriter(s.Name)
		if err != nil {
			return err
		}
		header := make([]any, len(s.Header))
		for j, h := range s.Header {
			header[j] = h
		}
		for j, row := range append([][]any{header}, s.Rows...) {
			cells := make([]any, len(row))
			for k, v := range row {
				if text, ok := v.(string); ok {
					v = Safe(text)
				}
				cells[k] = v
			}
			if err := stream.SetRow(fmt.Sprintf("A%d", j+1), cells); err != nil {
				return err
			}
		}
		if err := stream.Flush(); err != nil {
			return err
		}
	}
	return book.Write(w)
}

// WriteCSV writes UTF-8 with a byte order mark, as Excel needs it.
func WriteCSV(w io.Writer, s Sheet) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write(s.Header); err != nil {
		return err
	}
	for _, row := range s.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = Safe(fmt.Sprint(v))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
