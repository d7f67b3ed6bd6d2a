// Linear maps with 4- or 8-bit weights and 8-bit activations, both scaled by groups of 32.
//
// Weights are cut into tiles of 16 outputs by 32 inputs, one after another as they are read:
// 16 scales, 16 minimums (half precision), then the numbers; lane i of a vector is output i.
// Activations lie in blocks of eight rows, each group's numbers, scales and sums side by side.
// Every output of a row is summed in the same order however many rows there are, so a row's
// result does not depend on its neighbours.
#pragma once
#include <algorithm>

#include "vec.h"

constexpr int GROUP = 32;
constexpr int QUADS = GROUP / 4;
constexpr int ROWS = 8;
constexpr int HEADER = 2 * LANES * sizeof(_Float16);

struct Linear {
  int32_t out, in, bits;  // out is a multiple of 16, in of 32
  const uint8_t* data;
  const float* bias;
};

// The 8-bit form of some rows: x = scale * q, and sums = scale * sum(q) of each group.
struct Quantized {
  int8_t* q;      // (rows / 8, in / 32, 8 quads, 8 rows, 4)
  float* scales;  // (rows / 8, in / 32, 8 rows)
  float* sums;
};

inline size_t tile_bytes(int bits) { return HEADER + LANES * GROUP * bits / 8; }

// Where the scales of a row's block begin; its numbers begin at GROUP times that.
inline size_t block_of(int row, int groups) {
  return static_cast<size_t>(row / ROWS) * groups * ROWS;
}

inline void quantize_row(const float* x, int size, int row, const Quantized& to) {
  const size_t block = block_of(row, size / GROUP);
  int8_t* q = to.q + block * GROUP + 4 * (row % ROWS);
  float* scales = to.scales + block + row % ROWS;
  float* sums = to.sums + block + row % ROWS;
  for (int g = 0; g < size / GROUP; g++, x += GROUP) {
    v16f a = load(x), b = load(x + LANES);
    float top = largest(larger(larger(a, -a), larger(b, -b)));
    float scale = top / 127.0f, inverse = top > 0 ? 127.0f / top : 0.0f;
    v16i ia = __builtin_convertvector(nearest(a * inverse), v16i);
    v16i ib = __builtin_convertvector(nearest(b * inverse), v16i);
    int8_t numbers[GROUP];
    bytes_of(ia, numbers);
    bytes_of(ib, numbers + LANES);
    for (int j = 0; j < QUADS; j++, q += 4 * ROWS) std::memcpy(q, numbers + 4 * j, 4);
    scales[g * ROWS] = scale;
    sums[g * ROWS] = scale * static_cast<float>(sum(ia + ib));
  }
}

// Four inputs of each of a tile's 16 outputs, unpacked.
#ifdef __AVX512VNNI__
typedef __m512i Quad;
#else
struct Quad {
  uint8_t part[64];
};
#endif

// Quads j and j + QUADS / 2 of a tile's numbers, which 4-bit weights keep in the same bytes.
template <int BITS>
inline void unpack(const uint8_t* p, int j, Quad& first, Quad& second) {
  const uint8_t* at = p + 64 * j;
#ifdef __AVX512VNNI__
  first = _mm512_loadu_si512(at);
  if (BITS == 8) {
    second = _mm512_loadu_si512(at + 32 * QUADS);
    return;
  }
  const __m512i low = _mm512_set1_epi8(15);
  second = _mm512_and_si512(_mm512_srli_epi16(first, 4), low);
  first = _mm512_and_si512(first, low);
#else
  for (int i = 0; i < 64; i++) {
    first.part[i] = BITS == 8 ? at[i] : at[i] & 15;
    second.part[i] = BITS == 8 ? at[i + 32 * QUADS] : at[i] >> 4;
  }
#endif
}

// total += quad q for four inputs.
inline void multiply_add(v16i& total, const Quad& quad, const int8_t* q) {
#ifdef __AVX512VNNI__
  int32_t four;
  std::memcpy(&four, q, 4);
  total = (v16i)_mm512_dpbusd_epi32((__m512i)total, quad, _mm512_set1_epi32(four));
#else
  for (int i = 0; i < LANES; i++)
    for (int b = 0; b < 4; b++) total[i] += quad.part[4 * i + b] * q[b];
#endif
}

// R rows of a block times the 16 outputs of one column of tiles. The rows take turns with each
// quad, since a product has to wait for the one before it in the same sum.
template <int BITS, int R>
inline void column(const Linear& w, int tile, const Quantized& x, int row, v16f* total) {
  const int groups = w.in / GROUP;
  const size_t block = block_of(row, groups);
  const int8_t* q = x.q + block * GROUP;
  const float *scales = x.scales + block, *sums = x.sums + block;
  const uint8_t* p = w.data + static_cast<size_t>(tile) * groups * tile_bytes(BITS);
  const size_t next = static_cast<size_t>(groups) * tile_bytes(BITS);
  for (int g = 0; g < groups; g++) {
    if (BITS == 4 && R > 1 && row == 0)
      for (size_t line = 0; line < tile_bytes(BITS); line += 64) __builtin_prefetch(p + next + line);
    v16i product[R] = {}, more[R] = {};
#pragma GCC unroll 4
    for (int j = 0; j < QUADS / 2; j++) {
      Quad first, second;
      unpack<BITS>(p + HEADER, j, first, second);
      const int8_t *left = q + 4 * ROWS * j, *right = left + 2 * ROWS * QUADS;
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) multiply_add(product[r], first, left + 4 * r);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) multiply_add(R > 2 ? product[r] : more[r], second, right + 4 * r);
    }
    const _Float16* header = reinterpret_cast<const _Float16*>(p);
    const v16f scale = load_half(header), low = load_half(header + LANES);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const v16f whole = __builtin_convertvector(product[r] + more[r], v16f);
      total[r] = fma(whole, scale * scales[r], total[r]);
      total[r] = fma(low, all(sums[r]), total[r]);
    }
    p += tile_bytes(BITS), q += ROWS * GROUP, scales += ROWS, sums += ROWS;
  }
}

// y (rows, out) = x w + bias for R rows of a block and one tile; added to y when `add`.
template <int BITS, int R>
inline void rows_of(const Linear& w, int tile, const Quantized& x, int row, float* y, bool add) {
  v16f total[R];
  for (int r = 0; r < R; r++) total[r] = w.bias ? load(w.bias + tile * LANES) : v16f{};
  column<BITS, R>(w, tile, x, row, total);
  for (int r = 0; r < R; r++) {
    float* out = y + static_cast<size_t>(row + r) * w.out + tile * LANES;
    store(out, add ? load(out) + total[r] : total[r]);
  }
}

template <int BITS>
inline void block_rows(const Linear& w, int tile, const Quantized& x, int row, int rows, float* y,
                       bool add) {
  switch (rows) {
    case 1: return rows_of<BITS, 1>(w, tile, x, row, y, add);
    case 2: return rows_of<BITS, 2>(w, tile, x, row, y, add);
    case 3: return rows_of<BITS, 3>(w, tile, x, row, y, add);
    case 4: return rows_of<BITS, 4>(w, tile, x, row, y, add);
    case 5: return rows_of<BITS, 5>(w, tile, x, row, y, add);
    case 6: return rows_of<BITS, 6>(w, tile, x, row, y, add);
    case 7: return rows_of<BITS, 7>(w, tile, x, row, y, add);
    default: return rows_of<BITS, ROWS>(w, tile, x, row, y, add);
  }
}

template <int BITS>
inline void tiles(const Linear& w, const Quantized& x, int rows, float* y, bool add, int begin,
                  int end) {
  for (int tile = begin; tile < end; tile++)
    for (int row = 0; row < rows; row += ROWS)
      block_rows<BITS>(w, tile, x, row, std::min(ROWS, rows - row), y, add);
}

// The outputs of the tiles [begin, end) in y = x w.
inline void linear(const Linear& w, const Quantized& x, int rows, float* y, bool add, int begin,
                   int end) {
  if (w.bits == 4)
    tiles<4>(w, x, rows, y, add, begin, end);
  else
    tiles<8>(w, x, rows, y, add, begin, end);
}

// One group of one output: its scale and minimum, and the number of each weight.
inline void pack_group(const uint16_t* w, int bits, int lane, uint8_t* tile) {
  v16f left, right;
  for (int i = 0; i < LANES; i++) {
    left[i] = from_bf16(w[i]);
    right[i] = from_bf16(w[i + LANES]);
  }
  const float high = largest(larger(left, right)), low = -largest(larger(-left, -right));
  // Eight bits are symmetric around 128, four bits span the group.
  const float step = bits == 8 ? std::max(-low, high) / 127.0f : (high - low) / 15.0f;
  const auto scale = static_cast<_Float16>(step);
  const auto base = static_cast<_Float16>(bits == 8 ? -128.0f * static_cast<float>(scale) : low);
  _Float16* header = reinterpret_cast<_Float16*>(tile);
  header[lane] = scale;
  header[LANES + lane] = base;
  const float inverse = static_cast<float>(scale) > 0 ? 1.0f / static_cast<float>(scale) : 0.0f;
  const v16f top = all(bits == 8 ? 255.0f : 15.0f);
  auto numbers = [&](v16f half) {
    v16f place = larger(nearest((half - static_cast<float>(base)) * inverse), v16f{});
    return __builtin_convertvector(-larger(-place, -top), v16i);
  };
  const v16i first = numbers(left), second = numbers(right);
  uint8_t* out = tile + HEADER;
  for (int i = 0; i < GROUP; i++) {
    const int number = i < LANES ? first[i] : second[i - LANES];
    const int quad = i / 4, at = 4 * lane + i % 4;
    if (bits == 8)
      out[64 * quad + at] = static_cast<uint8_t>(number);
    else
      out[64 * (quad % (QUADS / 2)) + at] |= number << (quad < QUADS / 2 ? 0 : 4);
  }
}
