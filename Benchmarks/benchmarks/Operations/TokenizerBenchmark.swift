import Foundation
import MeteoRATokenizers

/// Opening tokenizers, and a text to ids and back.
///
/// The rows are those of the programs under `Benchmarks/peers`, which time other libraries; `ids`
/// is the same number there if the ids are.
struct TokenizerBenchmark {
  private let paths: [String]
  private let text: String
  private let output: Output

  init(_ options: BenchmarkOptions, output: Output) throws {
    paths = options.tokenizers
    text = try TextFile.read(options.text ?? "")
    self.output = output
  }

  private struct Row: Encodable {
    let kind = "tokenizer"
    let operation: String
    let tokenizer: String
    let megabytes: Double
    let tokens: Int
    /// FNV-1a of the ids, each as four bytes, little-endian.
    let ids: String
    let medianMs: Double
    let spreadMs: Double
    let megabytesPerSecond: Double

    var text: String {
      operation.padded(to: 15)
        + String(
          format: "%7.3f %9d  %9.3f ± %.3f ms %8.2f  ", megabytes, tokens, medianMs, spreadMs,
          megabytesPerSecond) + ids
    }
  }

  func run() throws {
    for path in paths {
      output.writeHeading(
        "\(path)\noperation           MB    tokens      median ms          MB/s  ids")
      try run(path)
    }
  }

  private func run(_ path: String) throws {
    let url = URL(fileURLWithPath: path)
    let tokenizer = try Tokenizer(contentsOf: url)
    let size = Double(try fileSize(url)) / 1e6
    try write(
      "open", path, megabytes: size, ids: [], Timing { _ = try Tokenizer(contentsOf: url) })

    let megabytes = Double(text.utf8.count) / 1e6
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    try write(
      "encode", path, megabytes: megabytes, ids: ids,
      Timing { _ = tokenizer.encode(text, addSpecialTokens: false) })

    let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    let lineIDs = lines.flatMap { tokenizer.encode($0, addSpecialTokens: false) }
    try write(
      "encode lines", path, megabytes: megabytes, ids: lineIDs,
      Timing { for line in lines { _ = tokenizer.encode(line, addSpecialTokens: false) } })

    let decoded = tokenizer.decode(ids, skipSpecialTokens: false)
    try write(
      "decode", path, megabytes: megabytes, ids: ids,
      Timing { _ = tokenizer.decode(ids, skipSpecialTokens: false) })
    let streamed = stream(ids, with: tokenizer)
    if !streamed.utf8.elementsEqual(decoded.utf8) { throw BenchmarkError.textDiffers(path) }
    try write(
      "stream", path, megabytes: megabytes, ids: ids, Timing { _ = stream(ids, with: tokenizer) })

    let repeated = String(repeating: "a", count: 2_000_000)
    let repeatedIDs = tokenizer.encode(repeated, addSpecialTokens: false)
    try write(
      "encode aaaa", path, megabytes: 2, ids: repeatedIDs,
      Timing { _ = tokenizer.encode(repeated, addSpecialTokens: false) })
    let unbroken = String(decoding: text.utf8.filter { $0 > 0x20 }, as: UTF8.self)
    let unbrokenIDs = tokenizer.encode(unbroken, addSpecialTokens: false)
    try write(
      "encode no space", path, megabytes: Double(unbroken.utf8.count) / 1e6, ids: unbrokenIDs,
      Timing { _ = tokenizer.encode(unbroken, addSpecialTokens: false) })
  }

  private func stream(_ ids: [Int], with tokenizer: Tokenizer) -> String {
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
    var text = ""
    for id in ids { text += decoder.append(id) }
    return text + decoder.finish()
  }

  private func write(
    _ operation: String, _ path: String, megabytes: Double, ids: [Int], _ timing: Timing
  ) throws {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for id in ids {
      for shift in [0, 8, 16, 24] {
        hash = (hash ^ UInt64(id >> shift & 0xFF)) &* 0x0000_0100_0000_01B3
      }
    }
    let row = Row(
      operation: operation, tokenizer: path, megabytes: megabytes, tokens: ids.count,
      ids: String(hash, radix: 16), medianMs: timing.median * 1e3, spreadMs: timing.spread * 1e3,
      megabytesPerSecond: megabytes / timing.median)
    try output.write(row, as: row.text)
  }

  /// The size of a file; in a folder, of the one that is opened.
  private func fileSize(_ url: URL) throws -> Int {
    for candidate in [
      url.appendingPathComponent("tokenizer.json"),
      url.appendingPathComponent("tokenizer.model"), url,
    ] {
      let values = try? candidate.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey])
      if values?.isRegularFile == true, let size = values?.fileSize { return size }
    }
    return 0
  }
}
