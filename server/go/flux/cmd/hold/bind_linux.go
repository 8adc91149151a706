package main

import (
	"os/exec"
	"syscall"
)

// bind makes the kernel kill the program when this process ends, whatever ends it.
func bind(program *exec.Cmd) {
	program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
