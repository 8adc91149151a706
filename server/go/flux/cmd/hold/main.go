// Command hold runs a program that knows nothing of us and ends it with whoever asked for it:
//
//	hold PROGRAM [ARGUMENTS]
//
// The programs whose main function is ours end by themselves when their standard input does.
// Flux's controllers are built as they are, so this program stands in between: it watches its own standard input,
// which its parent holds open and never writes to, and kills the program when that is closed, by whatever means.
// It does the same when it is told to end, and on Linux the kernel does it even when it is killed itself.
//
// Its exit code is the program's, or 128 and the number of the signal that ended it, as shells have it.
// 126 says that the program could not be started; why is on standard error.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
)

const (
	exitUsage      = 2
	exitNotStarted = 126
)

func main() {
	// The kernel ends the program with the thread that started it, not with the process; so this thread must stay.
	runtime.LockOSThread()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: hold PROGRAM [ARGUMENTS]")
		os.Exit(exitUsage)
	}
	os.Exit(hold(os.Args[1], os.Args[2:], os.Stdin))
}

// hold runs the program until it ends, and ends it when lifeline does.
func hold(name string, arguments []string, lifeline io.Reader) int {
	// Listened for before the start: a signal in between would end this process and not the program.
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, endSignals...)

	program := exec.Command(name, arguments...)
	program.Stdout = os.Stdout
	program.Stderr = os.Stderr
	bind(program)
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		return exitNotStarted
	}

	cut := make(chan struct{})
	go func() {
		defer close(cut)
		// The parent never writes; what little might come is read and dropped.
		_, _ = io.Copy(io.Discard, lifeline)
	}()
	go func() {
		select {
		case <-cut:
		case <-asked:
		}
		// It fails only for a program that has ended, and then there is nothing to do.
		_ = program.Process.Kill()
	}()

	err := program.Wait()
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "hold:", err)
		return exitNotStarted
	}
	if exit.Exited() {
		return exit.ExitCode()
	}
	// What killed it, nobody else can tell the parent.
	fmt.Fprintf(os.Stderr, "hold: %s: %s\n", filepath.Base(name), exit)
	return codeOfSignal(exit.ProcessState)
}
