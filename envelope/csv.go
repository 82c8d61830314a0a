package envelope

import (
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
)

// csvObjects returns a JSON object for each row of a table whose first line has the
// names of its columns, nil if text is no such thing.
func csvObjects(text string) (list []string) {
	header, _, _ := strings.Cut(text, "\n")
	separator := strings.IndexAny(header, ",;\t")
	if separator < 0 {
		return nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = rune(header[separator])
	names, err := reader.Read()
	if err != nil || !areNames(names) {
		return nil
	}
	rows, err := reader.ReadAll()
	if err != nil || len(rows) > maxParts {
		return nil
	}
	for _, row := range rows {
		var members []member
		for i, value := range row {
			members = append(members, member{names[i], quoteJSON(value)})
		}
		list = append(list, objectOf(members))
	}
	return list
}

// columnName is a word that may be the name of a column.
var columnName = regexp.MustCompile(`^[A-Za-z][\w.-]*$`)

// areNames reports names of columns: words, at least two of which have a meaning.
func areNames(list []string) bool {
	known := 0
	for _, name := range list {
		if len(uses[normal(name)]) > 0 {
			known++
		}
	}
	const least = 2
	return known >= least && !slices.ContainsFunc(list, func(name string) bool { return !columnName.MatchString(name) })
}
