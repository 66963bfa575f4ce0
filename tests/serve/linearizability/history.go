package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

type request struct {
	Op      string `json:"op"`
	ID      string `json:"id"`
	Account string `json:"account"`
	Amount  string `json:"amount"`
	Deposit string `json:"deposit"`
}

type answer struct {
	OK        bool   `json:"ok"`
	Reason    string `json:"reason"`
	Account   string `json:"account"`
	Balance   string `json:"balance"`
	Available string `json:"available"`
	Version   string `json:"version"`
}

type entry struct {
	Client  int     `json:"client"`
	Start   int64   `json:"start"`
	End     int64   `json:"end"`
	Request request `json:"request"`
	Answer  *answer `json:"answer"` // null: the client never saw one
}

// readHistory reads the operations of each account, from JSON Lines.
func readHistory(lines io.Reader) (map[string][]porcupine.Operation, error) {
	accounts := map[string][]porcupine.Operation{}
	decoder := json.NewDecoder(lines)
	for number := 1; ; number++ {
		var entry entry
		if err := decoder.Decode(&entry); errors.Is(err, io.EOF) {
			return accounts, nil
		} else if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		name, operation, err := readOperation(entry)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		accounts[name] = append(accounts[name], operation)
	}
}

func readOperation(entry entry) (string, porcupine.Operation, error) {
	var name, amount string
	switch entry.Request.Op {
	case "deposit", "withdraw":
		name, amount = entry.Request.Account, entry.Request.Amount
	case "view_account":
		name, amount = entry.Request.ID, "0"
	case "open_account":
		if entry.Answer == nil {
			return "", porcupine.Operation{}, errors.New("nobody knows which account was opened")
		}
		name, amount = entry.Answer.Account, entry.Request.Deposit
	default:
		return "", porcupine.Operation{}, fmt.Errorf("there is no model of %q", entry.Request.Op)
	}
	in, out, err := readBoth(entry, amount)
	operation := porcupine.Operation{ClientId: entry.Client + 1, Input: in, Call: entry.Start, Output: out, Return: entry.End}
	if !out.known {
		operation.Return = math.MaxInt64
	}
	return name, operation, err
}

func readBoth(entry entry, amount string) (input, output, error) {
	var firstError error
	number := func(text string) int64 {
		value, err := millionths(text)
		if err != nil && firstError == nil {
			firstError = err
		}
		return value
	}
	in := input{entry.Request.Op, number(amount)}
	if entry.Answer == nil || couldNotLook(entry) {
		return in, output{}, firstError
	}
	out := output{known: true, accepted: entry.Answer.OK, balance: number(entry.Answer.Balance),
		available: number(entry.Answer.Available), version: number(entry.Answer.Version) / 1000000}
	if !out.accepted && (in.op != "withdraw" || entry.Answer.Reason != "INSUFFICIENT_FUNDS") && firstError == nil {
		firstError = fmt.Errorf("%s was refused: %s", in.op, entry.Answer.Reason)
	}
	return in, out, firstError
}

// A view of what only the store has, as a name, may find the store away; then it says nothing of the account.
func couldNotLook(entry entry) bool {
	return entry.Request.Op == "view_account" && !entry.Answer.OK && entry.Answer.Reason == "IO"
}

// millionths reads a decimal of up to six places; "" is nothing.
func millionths(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 6 {
		return 0, fmt.Errorf("%q has more than six places", text)
	}
	return strconv.ParseInt(whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
}
