import MeteoRASafetensors
import MeteoRATokenizers
import Testing

@Suite("Byte-pair merging")
struct BytePairMergingTests {
  /// Merges as the definition says: again and again the lowest rank, the leftmost of equals.
  private static func merged(_ symbols: [String], by ranks: [[String]: Int]) -> [String] {
    var symbols = symbols
    while true {
      var best: (rank: Int, place: Int)?
      for place in 0..<max(symbols.count - 1, 0) {
        if let rank = ranks[[symbols[place], symbols[place + 1]]], rank < best?.rank ?? .max {
          best = (rank, place)
        }
      }
      guard let best else { return symbols }
      symbols[best.place] += symbols.remove(at: best.place + 1)
    }
  }

  @Test("gives what the definition gives, for words of any length")
  func equalsDefinition() throws {
    let folder = try GoldenTokenizer.folder("tiny-llama3").appendingPathComponent("tokenizer.json")
    let model = try JSONDocument(contentsOf: folder).root.required("model")
    var ranks: [[String]: Int] = [:]
    for (rank, merge) in try model.required("merges").elementsValue().enumerated() {
      ranks[try merge.stringValue().split(separator: " ").map(String.init)] = rank
    }
    let tokenizer = try GoldenTokenizer(name: "tiny-llama3").load()
    var random = SeededRandom(seed: 4)
    // Around 48 symbols the algorithm changes.
    for length in Array(1...60) + [95, 96, 97, 150, 400] {
      for alphabet in ["aeionrst", "dlo", "thewordsanctification"] {
        let letters = Array(alphabet.utf8)
        let word = (0..<length).map { _ in letters.randomElement(using: &random) ?? 0x61 }
        let expected = Self.merged(word.map { String(UnicodeScalar($0)) }, by: ranks)
        let ids = try tokenizer.encode(utf8: word, addSpecialTokens: false)
        #expect(ids.map { tokenizer.token(of: $0) } == expected, "\(length) of \(alphabet)")
      }
    }
  }

  @Test("gives what the definition gives, for long words and merges in any order")
  func equalsDefinitionForAnyMerges() throws {
    var random = SeededRandom(seed: 12)
    for round in 0..<60 {
      var tokens = ["a", "b", "c", "d", "é", "字"]
      var merges: [[String]] = []
      while merges.count < 25 {
        let parts = (0..<2).map { _ in tokens.randomElement(using: &random) ?? "a" }
        let whole = parts.joined()
        if whole.unicodeScalars.count > 6 || merges.contains(parts) { continue }
        merges.append(parts)
        if !tokens.contains(whole) { tokens.append(whole) }
      }
      merges.shuffle(using: &random)
      let vocabulary = tokens.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
      let pairs = merges.map { "[\"\($0[0])\",\"\($0[1])\"]" }.joined(separator: ",")
      var file = SmallTokenizerFile("model.vocab", "{\(vocabulary)}")
      file.set("model.merges", "[\(pairs)]")
      let tokenizer = try file.load()
      let ranks = Dictionary(uniqueKeysWithValues: merges.enumerated().map { ($1, $0) })
      let word = (0..<Int.random(in: 30...300, using: &random)).map { _ in
        tokens[Int.random(in: 0..<6, using: &random)]
      }
      let ids = tokenizer.encode(word.joined())
      #expect(
        ids.map { tokenizer.token(of: $0) } == Self.merged(word, by: ranks), "round \(round)")
    }
  }

  @Test("does not cut where a token can begin in two ways")
  func mergesAmbiguousTokens() throws {
    var file = SmallTokenizerFile(
      "model.vocab", #"{"<0x78>":0,"a":1,"<":2,"0x78>":3,"<0x78>a":4,"b":5,"b<0x78>":6}"#)
    file.set("model.byte_fallback", "true")
    file.set("model.merges", #"[["<","0x78>"],["<0x78>","a"],["b","<0x78>"]]"#)
    let word = String(repeating: "bxa", count: 20)
    #expect(try file.load().encode(word) == [Int](repeating: 0, count: 20).flatMap { _ in [5, 4] })
  }

  /// Merges that double a word of one letter: `a a`, `aa aa`, … up to 2^doublings letters.
  private static func doublingFile(_ doublings: Int, unit: String) -> SmallTokenizerFile {
    let words = (0...doublings).map { String(repeating: unit, count: 1 << $0) }
    let vocabulary = words.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
    let merges = words.dropLast().map { "[\"\($0)\",\"\($0)\"]" }.joined(separator: ",")
    var file = SmallTokenizerFile("model.vocab", "{\(vocabulary)}")
    file.set("model.merges", "[\(merges)]")
    return file
  }

  @Test(
    "does not slow down in a long text without a break",
    arguments: ["a", " ", "é", "字"], [1 << 16, 300_001])
  func mergesLongText(unit: String, count: Int) throws {
    let tokenizer = try Self.doublingFile(6, unit: unit).load()
    let ids = tokenizer.encode(String(repeating: unit, count: count))
    // Whole words of 64 first, then one for each binary digit of the rest, the largest first.
    var expected = [Int](repeating: 6, count: count >> 6)
    for digit in stride(from: 5, through: 0, by: -1) where count >> digit & 1 == 1 {
      expected.append(digit)
    }
    #expect(ids == expected)
  }

  @Test("takes the later of two ranks for the same merge")
  func takesLaterRank() throws {
    var file = SmallTokenizerFile("model.vocab", #"{"a":0,"b":1,"c":2,"ab":3,"bc":4}"#)
    file.set("model.merges", #"["a b","b c","a b"]"#)
    #expect(try file.load().encode("abc") == [0, 4])
    file.set("model.merges", ##"["#version: 0.2","a b","b c"]"##)
    #expect(try file.load().encode("abc") == [3, 2])
  }

  @Test("finds a word again that came before, whatever stands between")
  func remembersWords() throws {
    let golden = GoldenTokenizer(name: "gpt2-prefix")
    let tokenizer = try golden.load()
    var random = SeededRandom(seed: 9)
    let letters = Array("abcdeorst".utf8)
    let words = (0..<2000).map { _ in
      " "
        + (0..<Int.random(in: 1...9, using: &random)).map { _ in
          String(UnicodeScalar(letters.randomElement(using: &random) ?? 0x61))
        }.joined()
    }
    let text = (0..<20_000).map { _ in words.randomElement(using: &random) ?? "" }
    let single = Dictionary(uniqueKeysWithValues: Set(words).map { ($0, tokenizer.encode($0)) })
    #expect(tokenizer.encode(text.joined()) == text.flatMap { single[$0] ?? [] })
  }
}
