/* marker: what fault.so asks of prctl(2) when the program begins, so that inject counts from there. */
#ifndef FT_FAULT_MARKER_H
#define FT_FAULT_MARKER_H

#define MARKER 0x66746674 /* "ftft": the kernel knows no such request */

#endif
