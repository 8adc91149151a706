//go:build !linux

package main

import (
	"fmt"
	"os"
	"runtime/metrics"
	"time"
)

// How often memory is looked at where the kernel does not watch it.
const look = 100 * time.Millisecond

// limitMemory ends the process when it has more memory than this, in bytes.
func limitMemory(bytes uint64) {
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for range time.Tick(look) {
			metrics.Read(sample)
			if sample[0].Value.Uint64()-sample[1].Value.Uint64() > bytes {
				fmt.Fprintln(os.Stderr, "fatal error: runtime: out of memory")
				os.Exit(2)
			}
		}
	}()
}
