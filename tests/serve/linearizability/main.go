// Command linearizability judges what concurrent clients of a deployment were answered: whether there is, for each account, an order of all
// operations in which every one has its answer, and none stands before one that had ended when it began.
//
//	linearizability [-picture FILE] HISTORY
//
// HISTORY is one as harness.py keeps it, as JSON Lines. It ends with 0 when all accounts are linearizable, with 1 when one is not, with 2 when
// it cannot tell.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// A search that takes longer than this has no verdict.
const patience = 2 * time.Minute

const (
	linearizable = iota
	notLinearizable
	cannotTell
)

func judge(account string, operations []porcupine.Operation, picture string) int {
	verdict, info := porcupine.CheckOperationsVerbose(model, operations, patience)
	switch verdict {
	case porcupine.Ok:
		return linearizable
	case porcupine.Unknown:
		fmt.Printf("%s: no verdict on %d operations within %v\n", account, len(operations), patience)
		return cannotTell
	}
	fmt.Printf("%s: its %d operations are not linearizable\n", account, len(operations))
	if picture != "" {
		if err := porcupine.VisualizePath(model, info, picture); err != nil {
			fmt.Println(err)
		}
	}
	return notLinearizable
}

func judgeAll(history io.Reader, picture string) int {
	accounts, err := readHistory(bufio.NewReader(history))
	if err != nil {
		fmt.Println(err)
		return cannotTell
	}
	names := make([]string, 0, len(accounts))
	count := 0
	for name, operations := range accounts {
		names = append(names, name)
		count += len(operations)
	}
	sort.Strings(names)
	worst := linearizable
	for _, name := range names {
		if code := judge(name, accounts[name], picture); code > worst {
			worst = code
		}
	}
	if worst == linearizable {
		fmt.Printf("%d accounts are linearizable, %d operations\n", len(names), count)
	}
	return worst
}

func main() {
	picture := flag.String("picture", "", "draw the history of an account that is not linearizable into this HTML `file`")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(cannotTell)
	}
	history, err := os.Open(flag.Arg(0))
	if err != nil {
		fmt.Println(err)
		os.Exit(cannotTell)
	}
	os.Exit(judgeAll(history, *picture))
}
