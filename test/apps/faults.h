// Whether touching an address faults, without dying of it.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include "harness.h"

static sigjmp_buf faults_return;
static volatile int faults_signal;

static void faults_handler(int signal) {
  faults_signal = signal;
  siglongjmp(faults_return, 1);
}

/// 0 when reading (or writing) the byte works, else the signal that the kernel sent.
static inline int faults_touch(volatile char* address, bool write) {
  struct sigaction action = {.sa_handler = faults_handler}, old_segv, old_bus;
  NEED(sigaction(SIGSEGV, &action, &old_segv));
  NEED(sigaction(SIGBUS, &action, &old_bus));
  faults_signal = 0;
  if (sigsetjmp(faults_return, 1) == 0) {
    char value = *address;
    if (write) *address = value;
  }
  NEED(sigaction(SIGSEGV, &old_segv, NULL));
  NEED(sigaction(SIGBUS, &old_bus, NULL));
  return faults_signal;
}
