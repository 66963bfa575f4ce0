package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// What an account is to its clients: a sum, and how many events it has had. An account that is not open has had none.
type account struct {
	balance int64 // in millionths
	version int64
}

type input struct {
	op     string
	amount int64
}

// What was answered. An operation whose client never saw its answer is not known: it may have been done, at any time after it
// began, or not.
type output struct {
	known     bool
	accepted  bool
	balance   int64 // of a view
	available int64 // of a view, and of a withdrawal that was refused
	version   int64
}

var model = porcupine.Model{
	Init: func() interface{} { return account{} },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		return step(state.(account), in.(input), out.(output))
	},
	DescribeOperation: func(in, out interface{}) string { return fmt.Sprintf("%+v → %+v", in, out) },
	DescribeState:     func(state interface{}) string { return fmt.Sprintf("%+v", state) },
}

// step says whether an account in this state would have answered so, and what it is afterwards.
func step(before account, in input, out output) (bool, account) {
	switch in.op {
	case "view_account":
		seen := account{out.balance, out.version}
		return !out.known || (seen == before && out.available == out.balance), before
	case "open_account": // opened, and its first money
		return out.known && before.version == 0, account{in.amount, out.version}
	case "deposit":
		after := account{before.balance + in.amount, before.version + 1}
		return before.version > 0 && (!out.known || (out.accepted && out.version == after.version)), after
	default:
		return withdraw(before, in, out)
	}
}

// withdraw: a refusal is an event of the account, too.
func withdraw(before account, in input, out output) (bool, account) {
	after := account{before.balance, before.version + 1}
	suffices := before.balance >= in.amount
	if suffices {
		after.balance -= in.amount
	}
	if !out.known {
		return before.version > 0, after
	}
	rightly := out.accepted == suffices && (out.accepted || out.available == before.balance)
	return rightly && out.version == after.version, after
}
