package servers

import "syscall"

// dieWithTest has the kernel end the server when the test's process dies.
func dieWithTest(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
