// A C++ program that uses the C interface: the same source, compiled as C++.
#include "verify.c"
