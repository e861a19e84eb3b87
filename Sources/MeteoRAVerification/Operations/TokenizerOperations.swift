import Foundation
import MeteoRASafetensors
import MeteoRATokenizers

// tokenize:  tokenizer, a file → every line of the case's `.jsonl` files
//            with a configuration, the files beside the tokenizer count, such as that one
//
//   {"text":…, "ids":[…], "with_special":[…], "decoded":…, "skipped":…}
//
// ids are those of the text without special tokens, `with_special` those with them (the same where
// it is absent, in every tenth line; elsewhere it is not said). `decoded` is the text of the ids,
// the text itself where it is absent; `skipped` leaves special tokens out, the same where absent.
// A line without text is only decoded. Decoding is done at once and id by id.
//
// split:  texts, a `.jsonl` file; patterns {NAME:REGEX,…} → the lengths in bytes of the pieces that
// each pattern cuts a text into, in the same lines: {"text":…, NAME:[…], …}

extension CaseRun {
  func tokenization() throws(VerificationError) -> OperationOutcome {
    guard let input = golden.input(named: "tokenizer") else {
      throw .missingInput(case: golden.id, name: "tokenizer")
    }
    let tokenizer: Tokenizer
    do throws(TokenizerError) {
      let file = files.url(input.file)
      tokenizer =
        golden.input(named: "configuration") == nil
        ? try Tokenizer(contentsOf: file) : try Tokenizer(folder: file.deletingLastPathComponent())
    } catch {
      throw .refused(case: golden.id, reason: error.description)
    }
    var problems: [String] = []
    for output in golden.outputs {
      let lines = try self.lines(of: output.file, TokenizedLine.init)
      if lines.isEmpty { problems.append("\(output.file) has no line") }
      for (number, line) in lines.enumerated() {
        let wrong = line.problems(with: tokenizer, saysSpecial: number % 10 == 0)
        problems += wrong.map { "\(output.file), line \(number + 1): \($0)" }
      }
    }
    return .problems(problems)
  }

  func splitting() throws(VerificationError) -> OperationOutcome {
    guard let input = golden.input(named: "texts") else {
      throw .missingInput(case: golden.id, name: "texts")
    }
    let patterns = try parameters { parameters throws(JSONError) in
      var patterns: [(name: String, pattern: SplitPattern)] = []
      for (name, regex) in try parameters.required("patterns").membersValue() {
        guard let pattern = SplitPattern(regex: try regex.utf8Value()) else {
          throw regex.mismatch(expected: "the pattern of GPT-2, Llama 3 or Qwen2")
        }
        patterns.append((try name.identifierValue(), pattern))
      }
      return patterns
    }
    let lines = try self.lines(of: input.file) { line throws(JSONError) in
      var lengths: [[Int]] = []
      for (name, _) in patterns {
        lengths.append(try line.required(name).integersValue(in: 1...Int.max))
      }
      return (text: try line.required("text").utf8Value(), lengths: lengths)
    }
    var problems = lines.isEmpty ? ["\(input.file) has no line"] : []
    for (number, line) in lines.enumerated() {
      for (entry, expected) in zip(patterns, line.lengths) {
        var ends: [Int] = []
        line.text.withUnsafeBufferPointer { text in
          entry.pattern.appendEnds(of: 0..<text.count, in: text, to: &ends)
        }
        let lengths = zip(ends, [0] + ends).map { $0 - $1 }
        if lengths != expected {
          problems.append(
            "\(input.file), line \(number + 1): \(entry.name) cuts pieces of \(lengths) bytes, "
              + "expected \(expected)")
        }
      }
    }
    return .problems(problems)
  }

  /// The lines of a file of JSON lines.
  func lines<Line>(
    of path: String, _ read: (JSONValue) throws(JSONError) -> Line
  ) throws(VerificationError) -> [Line] {
    let bytes: [UInt8]
    do throws(FileAccessError) {
      bytes = try MappedFile(files.url(path)).withUnsafeBytes(Array.init)
    } catch {
      throw .unreadable(case: golden.id, error)
    }
    var lines: [Line] = []
    do throws(JSONError) {
      for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
        let document = try JSONDocument(bytes: Array(line), source: "\(path), line \(index + 1)")
        lines.append(try read(document.root))
      }
    } catch {
      throw .json(case: golden.id, error)
    }
    return lines
  }
}

/// A text and its ids, or ids and their text.
private struct TokenizedLine {
  let text: [UInt8]?
  let ids: [Int]
  let withSpecial: [Int]?
  let decoded: [UInt8]
  let skipped: [UInt8]

  init(_ value: JSONValue) throws(JSONError) {
    text = try value.optional("text")?.utf8Value()
    ids = try value.required("ids").integersValue(in: 0...Int.max)
    withSpecial = try value.optional("with_special")?.integersValue(in: 0...Int.max)
    if let decoded = try value.optional("decoded") {
      self.decoded = try decoded.utf8Value()
    } else {
      decoded = try value.required("text").utf8Value()
    }
    skipped = try value.optional("skipped")?.utf8Value() ?? decoded
  }

  /// What a tokenizer does otherwise.
  ///
  /// - Parameter saysSpecial: Whether an absent `with_special` means that it is `ids`.
  func problems(with tokenizer: Tokenizer, saysSpecial: Bool) -> [String] {
    var problems: [String] = []
    if let text {
      do throws(TokenizerError) {
        let plain = try tokenizer.encode(utf8: text, addSpecialTokens: false)
        if plain != ids { problems.append("the ids are \(plain), expected \(ids)") }
        if let expected = withSpecial ?? (saysSpecial ? ids : nil) {
          let actual = try tokenizer.encode(utf8: text)
          if actual != expected {
            problems.append("with special tokens the ids are \(actual), expected \(expected)")
          }
        }
      } catch {
        problems.append(error.description)
      }
    }
    for (skips, expected) in [(false, decoded), (true, skipped)] {
      let title = skips ? "without special tokens the text" : "the text"
      let whole = tokenizer.decode(ids, skipSpecialTokens: skips)
      if !whole.utf8.elementsEqual(expected) {
        problems.append("\(title) is '\(printable(whole))', expected '\(printable(expected))'")
      }
      var stream = tokenizer.makeStreamDecoder(skipSpecialTokens: skips)
      var streamed: [UInt8] = []
      for id in ids { streamed += stream.append(id).utf8 }
      streamed += stream.finish().utf8
      if !streamed.elementsEqual(whole.utf8) {
        problems.append("\(title) differs when it is streamed: '\(printable(streamed))'")
      }
    }
    return problems
  }
}
