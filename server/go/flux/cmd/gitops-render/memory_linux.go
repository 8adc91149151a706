package main

import (
	"fmt"
	"os"
	"syscall"
)

const rlimitData = 2

// limitMemory has the kernel refuse more memory than this, in bytes, which ends the process with Go's own words.
func limitMemory(bytes uint64) {
	limit := syscall.Rlimit{Cur: bytes, Max: bytes}
	if err := syscall.Setrlimit(rlimitData, &limit); err != nil {
		fmt.Fprintln(os.Stderr, "gitops-render: memory is not limited:", err)
	}
}
