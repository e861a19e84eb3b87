/// The kinds of text that tasks are asked about.
package enum TinyArgument: Sendable {
  /// Three to six letters, vowels and consonants in turn: `banaf`.
  case word
  /// A whole number of three or four digits: `4072`.
  case number
  /// Three different numbers of two digits: `31 87 45`.
  case threeNumbers
  /// A length with two decimals: `12.05 m`.
  case metres

  static let vowels = Array("aeiou".utf8)
  static let consonants = Array("bcdfghjklmnpqrstvwxyz".utf8)

  /// An argument on one side of the split between training and test.
  func argument(_ split: TinySplit, from draws: inout SampleDraws) -> String {
    while true {
      let text = text(from: &draws)
      if TinySplit(of: text) == split { return text }
    }
  }

  private func text(from draws: inout SampleDraws) -> String {
    switch self {
    case .word: Self.word(from: &draws)
    case .number: Self.number(from: &draws)
    case .threeNumbers:
      draws.distinct(3, below: 90).map { "\(10 + $0)" }.joined(separator: " ")
    case .metres: Self.metres(from: &draws)
    }
  }

  private static func word(from draws: inout SampleDraws) -> String {
    let count = draws.element(of: [3, 4, 4, 5, 5, 6])
    let beginsWithVowel = draws.isTrue(percent: 30)
    let letters = (0..<count).map { place in
      draws.element(of: (place % 2 == 0) == beginsWithVowel ? vowels : consonants)
    }
    return String(decoding: letters, as: UTF8.self)
  }

  private static func number(from draws: inout SampleDraws) -> String {
    let count = 3 + draws.number(below: 2)
    var text = "\(1 + draws.number(below: 9))"
    for _ in 1..<count { text += "\(draws.number(below: 10))" }
    return text
  }

  private static func metres(from draws: inout SampleDraws) -> String {
    let whole = 1 + draws.number(below: 99)
    return "\(whole).\(draws.number(below: 10))\(draws.number(below: 10)) m"
  }
}
