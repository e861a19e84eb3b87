extension TinyTask {
  /// The right answer.
  ///
  /// - Parameter argument: ASCII. Skills that are ``generic`` answer any text; the others what
  ///   ``argument`` makes.
  package func answer(to argument: String) -> String {
    switch self {
    case .reverseWord: Self.text(argument.utf8.reversed())
    case .uppercase: Self.text(argument.utf8.map(Self.capital))
    case .removeVowels: Self.text(argument.utf8.filter { !Self.isVowel($0) })
    case .doubleLetters: Self.text(argument.utf8.flatMap { [$0, $0] })
    case .pigLatin: Self.pigLatin(argument)
    case .spellOut: Self.text(argument.utf8.map { [$0] }.joined(separator: "-".utf8))
    case .nextLetters: Self.text(argument.utf8.map(Self.nextLetter))
    case .digitsInEnglish, .digitsInGerman, .digitsInFrench, .digitsInSpanish, .digitsInItalian:
      digits(argument)
    case .largestNumber: Self.largest(argument)
    case .metresToCentimetres:
      // 12.05 m → 1205 cm
      Self.text(argument.utf8.filter(Self.isDigit)) + " cm"
    }
  }

  private static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Array(bytes), as: UTF8.self)
  }

  // MARK: Letters

  private static let letters = UInt8(ascii: "a")...UInt8(ascii: "z")

  private static func isVowel(_ byte: UInt8) -> Bool { TinyArgument.vowels.contains(byte) }

  private static func capital(_ byte: UInt8) -> UInt8 {
    letters.contains(byte) ? byte - 0x20 : byte
  }

  /// The letter behind this one in the alphabet; `a` behind `z`.
  private static func nextLetter(_ byte: UInt8) -> UInt8 {
    guard letters.contains(byte) else { return byte }
    return byte == letters.upperBound ? letters.lowerBound : byte + 1
  }

  /// A first consonant goes to the end, then comes `ay`: `hello` → `ellohay`, `apple` → `appleway`.
  private static func pigLatin(_ word: String) -> String {
    guard let first = word.utf8.first, TinyArgument.consonants.contains(first) else {
      return word + "way"
    }
    return text(word.utf8.dropFirst() + [first]) + "ay"
  }

  // MARK: Numbers

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// The largest of numbers with two digits each.
  private static func largest(_ numbers: String) -> String {
    let parts = numbers.utf8.split(separator: UInt8(ascii: " "))
    let largest = parts.max { $0.lexicographicallyPrecedes($1) }
    return text(largest.map(Array.init) ?? [])
  }

  private func digits(_ number: String) -> String {
    let words = digitWords
    return number.utf8.filter(Self.isDigit).map { words[Int($0 - UInt8(ascii: "0"))] }
      .joined(separator: " ")
  }

  /// The words for 0 to 9, in ASCII.
  private var digitWords: [String] {
    switch self {
    case .digitsInGerman:
      ["null", "eins", "zwei", "drei", "vier", "fuenf", "sechs", "sieben", "acht", "neun"]
    case .digitsInFrench:
      ["zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"]
    case .digitsInSpanish:
      ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"]
    case .digitsInItalian:
      ["zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"]
    default:
      ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    }
  }
}
