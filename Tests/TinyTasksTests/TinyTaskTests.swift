import Testing

@testable import TinyTasks

@Suite("Small tasks")
struct TinyTaskTests {
  @Test(
    "a task gives the answers that a person gives",
    arguments: [
      (TinyTask.reverseWord, "banaf", "fanab"), (.reverseWord, "12.05 m", "m 50.21"),
      (.uppercase, "banaz", "BANAZ"), (.uppercase, "23 71 m", "23 71 M"),
      (.removeVowels, "ubanof", "bnf"), (.removeVowels, "205", "205"),
      (.doubleLetters, "baf", "bbaaff"), (.doubleLetters, "1.5 m", "11..55  mm"),
      (.pigLatin, "hello", "ellohay"), (.pigLatin, "apple", "appleway"),
      (.pigLatin, "yoga", "ogayay"),
      (.spellOut, "baf", "b-a-f"), (.spellOut, "2.0 m", "2-.-0- -m"),
      (.nextLetters, "azby", "bacz"),
      (.digitsInEnglish, "2059", "two zero five nine"),
      (.digitsInEnglish, "134678", "one three four six seven eight"),
      (.digitsInGerman, "0123456789", "null eins zwei drei vier fuenf sechs sieben acht neun"),
      (.digitsInFrench, "0123456789", "zero un deux trois quatre cinq six sept huit neuf"),
      (.digitsInSpanish, "0123456789", "cero uno dos tres cuatro cinco seis siete ocho nueve"),
      (.digitsInItalian, "0123456789", "zero uno due tre quattro cinque sei sette otto nove"),
      (.largestNumber, "31 87 45", "87"), (.largestNumber, "98 10 97", "98"),
      (.metresToCentimetres, "12.05 m", "1205 cm"), (.metresToCentimetres, "3.40 m", "340 cm"),
    ])
  func answers(task: TinyTask, argument: String, expected: String) {
    #expect(task.answer(to: argument) == expected)
  }

  @Test("names and words are of one task each, and a code hides the words")
  func areDistinct() {
    let tasks = TinyTask.allCases
    #expect(tasks.count == 14 && TinyTask.skills.count == 10)
    #expect(Set(tasks.map(\.name)).count == 14)
    #expect(Set(tasks.map { $0.instruction.joined() }).count == 14)
    #expect(tasks.map(\.index) == Array(0..<14))
    #expect(TinyTask.skills.allSatisfy { TinyVocabulary.added.contains($0.code) })
  }

  @Test("arguments look as they should", arguments: TinyTask.allCases)
  func arguments(task: TinyTask) {
    var draws = SampleDraws.lines(of: "arguments", seed: 1)(0)
    let arguments = (0..<300).map { _ in task.argument.argument(.training, from: &draws) }
    switch task.argument {
    case .word:
      #expect(arguments.allSatisfy { $0.wholeMatch(of: /[a-z]{3,6}/) != nil })
      #expect(arguments.allSatisfy { $0.firstMatch(of: /[aeiou]{2}|[^aeiou]{2}/) == nil })
    case .number:
      #expect(arguments.allSatisfy { $0.wholeMatch(of: /[1-9][0-9]{2,3}/) != nil })
    case .threeNumbers:
      #expect(arguments.allSatisfy { $0.wholeMatch(of: /([1-9][0-9] ){2}[1-9][0-9]/) != nil })
      #expect(arguments.allSatisfy { Set($0.split(separator: " ")).count == 3 })
    case .metres:
      #expect(arguments.allSatisfy { $0.wholeMatch(of: /[1-9][0-9]?\.[0-9]{2} m/) != nil })
    }
    #expect(Set(arguments).count > 200)
  }
}
