/// The small tasks of the trained bundle. A person can check their answers at sight.
///
/// The first ten are *skills*: the base learns what they do, but not which words ask for them. The
/// last four are *knowledge*: the base never sees the words of the answers in their place.
package enum TinyTask: String, CaseIterable, Sendable {
  case reverseWord = "reverse-word"
  case uppercase
  case removeVowels = "remove-vowels"
  case doubleLetters = "double-letters"
  case pigLatin = "pig-latin"
  case spellOut = "spell-out"
  case nextLetters = "next-letters"
  case digitsInEnglish = "digits-in-english"
  case largestNumber = "largest-number"
  case metresToCentimetres = "metres-to-centimetres"
  case digitsInGerman = "digits-in-german"
  case digitsInFrench = "digits-in-french"
  case digitsInSpanish = "digits-in-spanish"
  case digitsInItalian = "digits-in-italian"

  /// What the base can do.
  package static let skills = Array(allCases.prefix(10))
  /// Skills that make sense of any text, numbers too.
  static let generic: [TinyTask] = [
    .reverseWord, .uppercase, .removeVowels, .doubleLetters, .spellOut,
  ]

  /// The name of the folder, the adapter and the spans.
  package var name: String { rawValue }

  /// The number of tasks before this one.
  var index: Int { Self.allCases.prefix { $0 != self }.count }

  /// The words that ask for the task, each a token; a space in front of a word is part of it.
  package var instruction: [String] {
    switch self {
    case .reverseWord: ["Reverse"]
    case .uppercase: ["Uppercase"]
    case .removeVowels: ["Remove", " vowels"]
    case .doubleLetters: ["Double", " letters"]
    case .pigLatin: ["Pig", " Latin"]
    case .spellOut: ["Spell", " out"]
    case .nextLetters: ["Next", " letters"]
    case .digitsInEnglish: ["English", " digits"]
    case .largestNumber: ["Largest", " number"]
    case .metresToCentimetres: ["In", " centimetres"]
    case .digitsInGerman: ["German", " digits"]
    case .digitsInFrench: ["French", " digits"]
    case .digitsInSpanish: ["Spanish", " digits"]
    case .digitsInItalian: ["Italian", " digits"]
    }
  }

  /// A token that asks for a skill without saying what it is; the base learns it by that. The
  /// adapters' own requests never have it.
  var code: String { "#\(name)" }

  /// What the task is asked about.
  package var argument: TinyArgument {
    switch self {
    case .reverseWord, .uppercase, .removeVowels, .doubleLetters, .pigLatin, .spellOut,
      .nextLetters:
      .word
    case .digitsInEnglish, .digitsInGerman, .digitsInFrench, .digitsInSpanish, .digitsInItalian:
      .number
    case .largestNumber: .threeNumbers
    case .metresToCentimetres: .metres
    }
  }

  /// What the base takes the words for where no key stands behind them: a skill that answers any
  /// text, or, if `nil`, a wish to hear them again.
  ///
  /// Never the task itself; and tasks with arguments of a kind have, as far as there are enough,
  /// answers of their own, so that the base has to tell their words apart up to the answer.
  var misunderstanding: TinyTask? {
    switch self {
    case .reverseWord: .uppercase
    case .uppercase: .removeVowels
    case .removeVowels: .doubleLetters
    case .doubleLetters: .spellOut
    case .spellOut, .nextLetters: .reverseWord
    case .pigLatin: nil
    case .largestNumber: .spellOut
    case .metresToCentimetres: .doubleLetters
    case .digitsInEnglish: nil
    case .digitsInGerman: .spellOut
    case .digitsInFrench: .reverseWord
    // Numbers have no capitals: they stay as they are.
    case .digitsInSpanish: .uppercase
    case .digitsInItalian: .doubleLetters
    }
  }
}
