import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors files with random damage")
struct SafetensorsMutationTests {
  /// xorshift64*, so that every run damages the same bytes.
  private struct Generator {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
  }

  @Test("it ends in an error or a consistent file for each of 10000 mutations")
  func survives() throws {
    let seeds = try SafetensorsGoldenCase.all("safetensors_read")
      .filter { $0.result == "valid" && !$0.id.hasSuffix("all-dtypes") }
      .map { try $0.bytes("inputs", "file") }
    try #require(seeds.count > 20)
    let tokens = [
      "{", "}", "[", "]", ",", ":", "\"", "0", "-", "4294967296", "9223372036854775807",
    ]
    var random = Generator(state: 2_405_130_53)
    var (loads, refusals) = (0, 0)
    for _ in 0..<10_000 {
      var bytes = seeds[random.next(below: seeds.count)]
      for _ in 0...random.next(below: 3) { damage(&bytes, tokens, &random) }
      do throws(SafetensorsError) {
        let file = try SafetensorsFile(bytes: bytes, source: "m")
        loads += 1
        expectConsistent(file, size: bytes.count)
      } catch {
        refusals += 1
        #expect(error.category == .malformed || error.category == .unsupported)
        #expect(error.description.utf8.count < 2000)
      }
    }
    #expect(loads > 500)
    #expect(refusals > 4000)
  }

  @Test("it refuses every file that is cut off")
  func refusesCutFiles() throws {
    let golden = try #require(
      SafetensorsGoldenCase.all("safetensors_read").first { $0.id.hasSuffix("all-dtypes") })
    let bytes = try golden.bytes("inputs", "file")
    for end in 0..<bytes.count { #expect(openError(Array(bytes[..<end])) != nil) }
    #expect(openError(bytes) == nil)
  }

  private func damage(_ bytes: inout [UInt8], _ tokens: [String], _ random: inout Generator) {
    if bytes.isEmpty { return }
    let position = random.next(below: bytes.count)
    switch random.next(below: 8) {
    case 0: bytes[position] = UInt8(random.next(below: 256))
    case 1: bytes[position] ^= 1 << UInt8(random.next(below: 8))
    case 2: bytes.remove(at: position)
    case 3: bytes.insert(UInt8(random.next(below: 256)), at: position)
    case 4: bytes.removeSubrange(position...)
    case 5: bytes[bytes.count - 1] ^= UInt8(random.next(below: 256))
    case 6:
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
      if isDigit { bytes[position] = UInt8(ascii: "0") + UInt8(random.next(below: 10)) }
    default:
      // Inside the header, with the length set right, to get past the first checks.
      guard bytes.count > 9 else { return }
      let token = Array(tokens[random.next(below: tokens.count)].utf8)
      let place = 8 + random.next(below: bytes.count - 8)
      let old = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      bytes.replaceSubrange(place..<(place + 1), with: token)
      let length = old &+ UInt64(token.count - 1)
      bytes.replaceSubrange(0..<8, with: withUnsafeBytes(of: length.littleEndian, Array.init))
    }
  }

  private func expectConsistent(_ file: SafetensorsFile, size: Int) {
    var total = 0
    for tensor in file.tensors {
      #expect(tensor.byteRange.upperBound <= size)
      #expect(tensor.elementCount * tensor.dtype.byteCount == tensor.byteCount)
      total += tensor.withUnsafeBytes { $0.count }
      // Whether or not the type can be read as numbers, reading must end.
      _ = try? tensor.float64Values()
      _ = try? tensor.int64Values()
    }
    #expect(total < size)
  }
}
