// Vectors of 64 bytes as the compiler has them: what vec_avx512.h and vec_any.h share.
#pragma once

typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef uint16_t v16h __attribute__((vector_size(32)));
typedef uint32_t v16u __attribute__((vector_size(64)));

inline v16f load(const float* p) {
  v16f v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, v16f v) { std::memcpy(p, &v, sizeof v); }
inline v16i to_ints(v16f v) { return __builtin_convertvector(v, v16i); }
inline v16f to_floats(v16i v) { return __builtin_convertvector(v, v16f); }
inline v16f as_floats(v16i bits) { return (v16f)bits; }
inline v16f select(v16i mask, v16f yes, v16f no) { return mask ? yes : no; }
inline v16i places() { return v16i{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

inline v16f load_bf16(const uint16_t* p) {
  v16h half;
  std::memcpy(&half, p, sizeof half);
  return (v16f)(__builtin_convertvector(half, v16u) << 16);
}
