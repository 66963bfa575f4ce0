package main

import (
	"fmt"
	"strings"
	"testing"
)

const opened = `{"start":0,"end":1,"request":{"op":"open_account","deposit":"5.00"},"answer":{"ok":true,"account":"A","version":"2"}}`

func deposit(start, end int, amount, version string) string {
	return fmt.Sprintf(`{"start":%d,"end":%d,"request":{"op":"deposit","account":"A","amount":"%s"},"answer":{"ok":true,"version":"%s"}}`,
		start, end, amount, version)
}

func view(start, end int, balance, version string) string {
	return fmt.Sprintf(`{"start":%d,"end":%d,"request":{"op":"view_account","id":"A"},`+
		`"answer":{"ok":true,"balance":"%s","available":"%s","version":"%s"}}`, start, end, balance, balance, version)
}

func refused(start, end int, amount, available, version string) string {
	return fmt.Sprintf(`{"start":%d,"end":%d,"request":{"op":"withdraw","account":"A","amount":"%s"},`+
		`"answer":{"ok":false,"reason":"INSUFFICIENT_FUNDS","available":"%s","version":"%s"}}`, start, end, amount, available, version)
}

func withdrawn(start, end int, amount, version string) string {
	return fmt.Sprintf(`{"start":%d,"end":%d,"request":{"op":"withdraw","account":"A","amount":"%s"},"answer":{"ok":true,"version":"%s"}}`,
		start, end, amount, version)
}

func unanswered(start int, op, amount string) string {
	return fmt.Sprintf(`{"start":%d,"end":%d,"request":{"op":"%s","account":"A","amount":"%s"},"answer":null}`, start, start+1, op, amount)
}

func TestVerdicts(t *testing.T) {
	for _, one := range []struct {
		what    string
		lines   []string
		verdict int
	}{
		{"one after another", []string{deposit(2, 3, "1.00", "3"), view(4, 5, "6.00", "3"), withdrawn(6, 7, "6.00", "4"),
			refused(8, 9, "0.01", "0.00", "5"), view(10, 11, "0.00", "5")}, linearizable},
		{"a view beside a deposit sees it", []string{deposit(2, 5, "1.00", "3"), view(3, 4, "6.00", "3")}, linearizable},
		{"a view beside a deposit does not", []string{deposit(2, 5, "1.00", "3"), view(3, 4, "5.00", "2")}, linearizable},
		{"a view after a deposit does not see it", []string{deposit(2, 3, "1.00", "3"), view(4, 5, "5.00", "2")}, notLinearizable},
		{"a view sees what another no longer does", []string{deposit(2, 9, "1.00", "3"), view(3, 4, "6.00", "3"),
			view(5, 6, "5.00", "2")}, notLinearizable},
		{"a deposit done twice", []string{deposit(2, 3, "1.00", "3"), view(4, 5, "7.00", "4")}, notLinearizable},
		{"a deposit lost", []string{deposit(2, 3, "1.00", "3"), deposit(4, 5, "1.00", "3")}, notLinearizable},
		{"the order of time turned round", []string{deposit(2, 3, "1.00", "4"), deposit(4, 5, "1.00", "3")}, notLinearizable},
		{"more taken out than there is", []string{withdrawn(2, 3, "5.01", "3")}, notLinearizable},
		{"refused what there is", []string{refused(2, 3, "5.00", "5.00", "3")}, notLinearizable},
		{"not answered, and done", []string{unanswered(2, "deposit", "1.00"), view(4, 5, "6.00", "3")}, linearizable},
		{"not answered, and done late", []string{unanswered(2, "withdraw", "1.00"), view(4, 5, "5.00", "2"),
			view(6, 7, "4.00", "3")}, linearizable},
		{"not answered, and not done", []string{unanswered(2, "withdraw", "1.00"), view(4, 5, "5.00", "2")}, linearizable},
		{"not answered, done and undone", []string{unanswered(2, "deposit", "1.00"), view(4, 5, "6.00", "3"),
			view(6, 7, "5.00", "2")}, notLinearizable},
		{"done before it was asked for", []string{view(2, 3, "6.00", "3"), unanswered(4, "deposit", "1.00")}, notLinearizable},
		{"a view that could not look", []string{deposit(2, 3, "1.00", "3"),
			`{"start":4,"end":5,"request":{"op":"view_account","id":"A"},"answer":{"ok":false,"reason":"IO"}}`,
			view(6, 7, "6.00", "3")}, linearizable},
		{"an operation without a model", []string{unanswered(2, "transfer", "1.00")}, cannotTell},
		{"a line that is none", []string{"{"}, cannotTell},
	} {
		history := opened + "\n" + strings.Join(one.lines, "\n")
		if verdict := judgeAll(strings.NewReader(history), ""); verdict != one.verdict {
			t.Errorf("%s: verdict %d instead of %d", one.what, verdict, one.verdict)
		}
	}
}
