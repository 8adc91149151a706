package main

import "os"

// endSignals are those that ask a process to end.
var endSignals = []os.Signal{os.Interrupt}

// codeOfSignal is the exit code as it is: a killed process has one there.
func codeOfSignal(state *os.ProcessState) int {
	return state.ExitCode()
}
