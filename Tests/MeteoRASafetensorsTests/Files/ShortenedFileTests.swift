import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("A file that is made shorter while it is open")
struct ShortenedFileTests {
  /// A file whose only tensor has 100 000 elements, cut to half of them after it was opened.
  private func withShortened(_ body: (SafetensorsTensor, URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("w.safetensors")
      let writer = try SafetensorsWriter(to: url, tensors: [.init("w", .f32, [100_000])])
      try writer.append([Float](repeating: 1.5, count: 100_000), to: "w")
      try writer.finish()
      let tensor = try SafetensorsFile(contentsOf: url).tensor(named: "w")
      try #require(truncate(url.path, off_t(tensor.byteRange.lowerBound + 200_000)) == 0)
      try body(tensor, url)
    }
  }

  @Test("it gives the elements that are there, and an error for the others")
  func reads() throws {
    try withShortened { tensor, url in
      let rest = try tensor.float32Values(in: 49_990..<50_000)
      #expect(rest == [Float](repeating: 1.5, count: 10))
      let end = tensor.byteRange.lowerBound + 200_000
      let reason = FileAccessError.shortened(path: url.path, expected: end + 4, actual: end)
      #expect(throws: SafetensorsError.inaccessible(reason)) {
        try tensor.float32Values(in: 49_990..<50_001)
      }
      #expect(
        reason.description
          == "\(url.path): ends after \(end) bytes, expected at least \(end + 4): it was made shorter "
          + "while it was read")
      #expect(throws: SafetensorsError.self) { try tensor.bytes(in: 0..<tensor.byteCount) }
      #expect(throws: SafetensorsError.self) { try tensor.isIdentical(to: tensor) }
    }
  }
}
