/* The script: what the server does besides answering HTTP. README.md describes the language. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdio.h>

/* Runs the script to its end; ends the program at `exit` and, with status 2, at an error. */
void
script_run(const char *name, FILE *in);

#endif
