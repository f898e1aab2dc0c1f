# Every compiler and linker flag of kiln, each with its reason on the line above it.
# The Makefile decides which file gets which set.

# --- all C, every compiler ------------------------------------------------------------------------

# C11; vector types and __attribute__ come from the GNU dialect.
C_FLAGS = -std=gnu11
# Kernels rely on inlining and unrolling of fixed small loops.
C_FLAGS += -O3
# Debuggers and sanitizers name lines; costs nothing at run time.
C_FLAGS += -g
# Two roundings for a product and a sum unless vf_madd spells one: builds of a mode agree in bits.
C_FLAGS += -ffp-contract=off
# sqrtf becomes one instruction; nobody reads errno after mathematics.
C_FLAGS += -fno-math-errno
# A warning is a mistake; a function that no header declares was meant to be static.
C_FLAGS += -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes
# Vectors wider than the machine's are split by the compiler; no ABI is crossed with them.
C_FLAGS += -Wno-psabi
# Includes are written from src/, so that a line shows the room it reaches into.
C_FLAGS += -Isrc
# Headers that change rebuild what read them.
C_FLAGS += -MMD -MP

# --- the two modes --------------------------------------------------------------------------------

# strict: multiply, then add.
MODE_strict =
# fused: vf_madd is one rounding. The target must have the instruction (see FMA below).
MODE_fused = -DKILN_FUSED=1

# --- native ---------------------------------------------------------------------------------------

# The machine's own vectors; ARCH=x86-64-v3 and the like build for others.
NATIVE_FLAGS = -march=$(ARCH)
# POSIX names (clock_gettime, fsync, pthread) beside C11; the pool of base/threads.c wants pthreads.
NATIVE_FLAGS += -D_POSIX_C_SOURCE=200809L -pthread
# The command line program reads .tar.gz by zlib, and pictures by libpng and libjpeg; the library
# itself needs libc alone.
NATIVE_LIBS = -lz -pthread
PICTURE_LIBS = -lpng -ljpeg
# The reference twins and the tests compare with libm; `make check` proves that none else calls it.
NATIVE_LIBS += -lm

# --- the shared library ---------------------------------------------------------------------------

# Code that runs at any address, and whose own calls stay its own whoever else defines the name.
SHARED_FLAGS = -fPIC -fno-semantic-interposition

# --- native, lanes named (the equal-bits builds) --------------------------------------------------

# Lanes are forced by -DKILN_LANES; the instructions that go with them are x86's, others have theirs
# by default. 16 lanes on a machine without AVX-512 are two AVX halves: the same bits.
ifeq ($(shell uname -m),x86_64)
LANES_1  =
LANES_4  = -msse2
LANES_8  = -mavx2
LANES_16 = $(if $(shell grep -m1 -ow avx512f /proc/cpuinfo),-mavx512f -mavx512vl -mavx512dq,-mavx2)
# FMA has its own switch, which turns on AVX with it.
FMA = -mfma
endif

# --- benchmarks -----------------------------------------------------------------------------------

# A second native build, for the vectors that most machines have; x86 only.
ifeq ($(shell uname -m),x86_64)
BENCH_AVX2 = avx2
endif
AVX2_FLAGS = -march=x86-64-v3
# The kernels alone, one function called with text; an ES module, in Node as well.
WASM_LINK_BENCH = -O3 --no-entry -sMODULARIZE -sEXPORT_ES6 -sENVIRONMENT=web,worker,node
WASM_LINK_BENCH += -sEXPORTED_FUNCTIONS=_bench_ask -sEXPORTED_RUNTIME_METHODS=ccall
# Big shapes want big operands; operands and tiles lie as in the library.
WASM_LINK_BENCH += -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=1GB -sSTACK_SIZE=1MB

# --- sanitizers -----------------------------------------------------------------------------------

# The first report ends the program; stack frames stay readable; -O1 keeps the tests quick.
SANITIZE_FLAGS = -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# gcc's flow analysis misfires on instrumented code; the builds that ship have to be clean.
SANITIZE_FLAGS += -w
# libFuzzer's instrumentation, with the same checks.
FUZZ_FLAGS = -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

# --- WebAssembly, compiling -----------------------------------------------------------------------

# 128-bit SIMD: any browser since 2023.
WASM_simd = -msimd128
# Relaxed SIMD for its fused multiply-add; engines without it refuse the whole module.
WASM_relaxed = -msimd128 -mrelaxed-simd $(MODE_fused)
# The same two again for a pool of workers over shared memory (cross-origin isolated pages only).
# Not -pthread: bindings/pool.ts starts the workers, and base/threads.c waits and notifies itself.
WASM_simd-threads = $(WASM_simd) -matomics -mbulk-memory
WASM_relaxed-threads = $(WASM_relaxed) -matomics -mbulk-memory
# Line tables would only be stripped again.
WASM_FLAGS = -g0
# What runs once a step or less is compiled for size: it is half the module, and no slower for it.
WASM_COLD = -Oz
# Kernels and layers gain nothing from -O3 over -O2 (measured on whole steps), and lose 3 to 7 % by
# -Os. They are written in vectors: what the compiler would make vectors of are their tails.
WASM_HOT = -O2 -fno-vectorize -fno-slp-vectorize
# Loops of fixed length unroll all the same; the others only get a second copy of themselves.
WASM_HOT += -mllvm -unroll-runtime=0

# --- WebAssembly, linking -------------------------------------------------------------------------

# Binaryen's optimiser: -Os makes modules 3 % smaller than -O3 at the same speed, with -Oz a step
# takes 8 to 30 % longer. As a pass behind -O2: with -Os for Emscripten itself, wasm-metadce sorts
# the functions by the number of their calls, and gzip, which finds what is alike when it is near,
# makes the module 1.8 kB larger.
WASM_LINK = -O2 -sBINARYEN_EXTRA_PASSES=-Os
# Bytes that a module may have at most, so that it does not grow unseen.
WASM_BYTES_simd = 308000
WASM_BYTES_relaxed = 317000
WASM_BYTES_simd-threads = 313000
WASM_BYTES_relaxed-threads = 322000
WASM_BYTES_extras = 345000
WASM_BYTES_all = 415000
WASM_BYTES_tag = 382000
# A library: no main; functions are called by name.
WASM_LINK += --no-entry
# No glue: bindings/imports.ts is the five functions a module asks for, and what Emscripten writes
# beside it is thrown away. So exports and imports keep their names ...
WASM_LINK += -sDECLARE_ASM_MODULE_EXPORTS=0
# ... and nothing of Node's is linked in.
WASM_LINK += -sENVIRONMENT=web,worker
# Nets differ in size a hundredfold: memory grows as wanted ...
WASM_LINK += -sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=16MB
# ... and a malloc that cannot be met returns 0, which the library reports as its own error.
WASM_LINK += -sABORTING_MALLOC=0
# Stack frames are small, but tiles and parsers live there: 1 MB, as natively on small threads.
WASM_LINK += -sSTACK_SIZE=1MB
# No files: bytes come and go through memory.
WASM_LINK += -sFILESYSTEM=0
# Not the smaller emmalloc: near 4 GiB its sums overflow, and it gives memory that is not there.
WASM_LINK += -sMALLOC=dlmalloc
# A misspelt or missing function is an error when built, not when called.
WASM_LINK += -sERROR_ON_UNDEFINED_SYMBOLS=1

# 4 GiB, all that 32-bit addresses reach: memory grows to what a net asks for, and the browser says
# where it ends. A shared memory is imported, and its maximum is reserved when it is made:
# bindings/instantiate.ts asks for this much, and for less where that is refused (iOS).
WASM_LINK += -sMAXIMUM_MEMORY=4GB
# Shared memory without Emscripten's pthreads: a worker sets its stack by one call, and no library
# function has to reach the main thread.
WASM_LINK_threads = -sWASM_WORKERS
WASM_LINK_simd-threads = $(WASM_LINK_threads)
WASM_LINK_relaxed-threads = $(WASM_LINK_threads)
