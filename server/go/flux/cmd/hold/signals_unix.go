//go:build unix

package main

import (
	"os"
	"syscall"
)

// endSignals are those that ask a process to end.
var endSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}

// codeOfSignal is how shells write in an exit code which signal has ended a process.
func codeOfSignal(state *os.ProcessState) int {
	const signalled = 128
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalled + int(status.Signal())
	}
	return signalled
}
