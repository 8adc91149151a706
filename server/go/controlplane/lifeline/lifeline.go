// Package lifeline ends a process when the one that started it is gone.
//
// The parent keeps the write end of a pipe open as the child's standard input and never writes to it.
// Whatever ends the parent, kill -9 included, the kernel closes that pipe, and the read below returns.
// It needs no signal, no process group and no help from an operating system in particular.
package lifeline

import (
	"io"
	"os"
)

// Variable is the environment variable that asks for a lifeline; without it standard input is left alone,
// so that the same binary can be run by hand.
const Variable = "GITOPS_LSP_LIFELINE"

// Hold starts to watch standard input when Variable is "stdin", and exits the process with code 0 at its end.
func Hold() {
	if os.Getenv(Variable) != "stdin" {
		return
	}
	go func() {
		// The parent never writes; what little might come is read and dropped.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}
