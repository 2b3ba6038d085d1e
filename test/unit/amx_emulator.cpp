#include "amx_emulator.h"

#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace vecdb::test {

namespace {

constexpr std::size_t k_tile_rows = 16;
constexpr std::size_t k_row_bytes = 64;

struct Tiles {
  bool configured = false;
  std::uint8_t bytes[8][k_tile_rows][k_row_bytes] = {};
};

thread_local constinit Tiles t_tiles;
std::atomic<std::size_t> g_products = 0;

// In a signal's handler hardly anything else is allowed.
[[noreturn]] void give_up(const char* why) {
  [[maybe_unused]] const ssize_t put = ::write(STDERR_FILENO, why, std::strlen(why));
  std::abort();
}

// The numbers of registers in instructions, and their places in what a handler is given.
constexpr int k_registers[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                               REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                               REG_R12, REG_R13, REG_R14, REG_R15};

// An instruction with a three-byte VEX prefix.
struct Instruction {
  unsigned opcode = 0;
  unsigned prefix = 0;  // 0 none, 2 F3, 3 F2
  unsigned reg = 0;
  unsigned rm = 0;
  unsigned vvvv = 0;
  bool has_memory = false;
  std::uint8_t* address = nullptr;
  std::ptrdiff_t stride = 0;  // the index register, scaled
  const std::uint8_t* end = nullptr;
};

class Decoder {
 public:
  Decoder(const std::uint8_t* code, const greg_t* registers)
      : m_code(code), m_registers(registers) {}

  Instruction decode() {
    if (take() != 0xC4) give_up("amx_emulator: an instruction without a VEX prefix of 3 bytes\n");
    const unsigned inverted = take();
    const unsigned rest = take();
    if ((inverted & 0x1FU) != 2 || (rest & 0x84U) != 0) give_up("amx_emulator: not AMX\n");
    const auto high = [inverted](unsigned bit) { return (inverted & bit) == 0 ? 8U : 0U; };
    Instruction result;
    result.prefix = rest & 3U;
    result.vvvv = ~rest >> 3U & 15U;
    result.opcode = take();
    const unsigned modrm = take();
    result.reg = (modrm >> 3U & 7U) | high(0x80);
    result.rm = modrm & 7U;
    const unsigned mode = modrm >> 6U;
    result.has_memory = mode != 3;
    if (result.has_memory) decode_memory(result, mode, high(0x40), high(0x20));
    result.end = m_code;
    return result;
  }

 private:
  unsigned take() { return *m_code++; }

  std::int64_t take_displacement(unsigned bytes) {
    std::int8_t small = 0;
    std::int32_t large = 0;
    std::memcpy(bytes == 1 ? static_cast<void*>(&small) : &large, m_code, bytes);
    m_code += bytes;
    return bytes == 1 ? small : large;
  }

  void decode_memory(Instruction& result, unsigned mode, unsigned high_index, unsigned high_base) {
    unsigned base = result.rm;
    if (result.rm == 4) {  // a byte with base and index follows
      const unsigned sib = take();
      base = sib & 7U;
      const unsigned index = (sib >> 3U & 7U) | high_index;
      if (index != 4) result.stride = of_register(index) * (1 << (sib >> 6U));
    }
    std::int64_t address = 0;
    if (mode == 0 && base == 5) {
      address = take_displacement(4);
      if (result.rm == 5) address += reinterpret_cast<std::int64_t>(m_code);  // from here on
    } else {
      address = of_register(base | high_base);
      if (mode != 0) address += take_displacement(mode == 1 ? 1 : 4);
    }
    result.address = reinterpret_cast<std::uint8_t*>(address);
  }

  std::int64_t of_register(unsigned number) const { return m_registers[k_registers[number]]; }

  const std::uint8_t* m_code;
  const greg_t* m_registers;
};

void configure(const std::uint8_t* shapes) {
  std::uint8_t wanted[64] = {1};
  for (std::size_t tile = 0; tile < 8; ++tile) {
    wanted[16 + 2 * tile] = k_row_bytes;
    wanted[48 + tile] = k_tile_rows;
  }
  // Those of the tiles 8 … 15 must be zero.
  if (std::memcmp(shapes, wanted, 56) != 0) give_up("amx_emulator: other shapes of tiles\n");
  t_tiles = {};
  t_tiles.configured = true;
}

float from_bf16(const std::uint8_t* from) {
  std::uint8_t bytes[4] = {0, 0, from[0], from[1]};
  float x = 0;
  std::memcpy(&x, bytes, sizeof x);
  return x;
}

// The sums of the even numbers of pairs and of the odd ones, apart, and then both are added.
void multiply(unsigned to, unsigned left, unsigned right) {
  if (to == left || to == right || left == right) give_up("amx_emulator: one tile twice\n");
  for (std::size_t m = 0; m < k_tile_rows; ++m) {
    for (std::size_t n = 0; n < k_tile_rows; ++n) {
      float sums[2] = {};
      for (std::size_t k = 0; k < k_tile_rows; ++k) {
        for (std::size_t i = 0; i < 2; ++i) {
          sums[i] = std::fma(from_bf16(&t_tiles.bytes[left][m][4 * k + 2 * i]),
                             from_bf16(&t_tiles.bytes[right][k][4 * n + 2 * i]), sums[i]);
        }
      }
      float sum = 0;
      std::memcpy(&sum, &t_tiles.bytes[to][m][4 * n], sizeof sum);
      sum += sums[0] + sums[1];
      std::memcpy(&t_tiles.bytes[to][m][4 * n], &sum, sizeof sum);
    }
  }
  ++g_products;
}

void carry_out(const Instruction& it) {
  const auto is = [&it](unsigned opcode, unsigned prefix, bool has_memory) {
    return it.opcode == opcode && it.prefix == prefix && it.has_memory == has_memory;
  };
  if (is(0x49, 0, true)) return configure(it.address);
  if (!t_tiles.configured) give_up("amx_emulator: the thread has configured no tiles\n");
  if (is(0x49, 0, false)) {
    t_tiles.configured = false;
    return;
  }
  if (it.reg >= 8 || it.vvvv >= 8) give_up("amx_emulator: no such tile\n");
  auto& tile = t_tiles.bytes[it.reg];
  if (is(0x49, 3, false)) {
    std::memset(tile, 0, sizeof tile);
  } else if (is(0x4B, 3, true)) {
    for (std::size_t i = 0; i < k_tile_rows; ++i) {
      std::memcpy(tile[i], it.address + static_cast<std::ptrdiff_t>(i) * it.stride, k_row_bytes);
    }
  } else if (is(0x4B, 2, true)) {
    for (std::size_t i = 0; i < k_tile_rows; ++i) {
      std::memcpy(it.address + static_cast<std::ptrdiff_t>(i) * it.stride, tile[i], k_row_bytes);
    }
  } else if (is(0x5C, 2, false)) {
    multiply(it.reg, it.rm, it.vvvv);
  } else {
    give_up("amx_emulator: an instruction of AMX that is not known here\n");
  }
}

void on_illegal_instruction(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]);
  const Instruction instruction = Decoder(code, registers).decode();
  carry_out(instruction);
  registers[REG_RIP] = reinterpret_cast<greg_t>(instruction.end);
}

}  // namespace

AmxEmulator::AmxEmulator() {
  struct sigaction action {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO;  // one more in the handler ends the program
  ::sigaction(SIGILL, &action, &m_before);
}

AmxEmulator::~AmxEmulator() { ::sigaction(SIGILL, &m_before, nullptr); }

std::size_t AmxEmulator::products() const { return g_products; }

}  // namespace vecdb::test
