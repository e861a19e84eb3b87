import Foundation
import MeteoRAEvaluation
import Testing

@testable import TinyTasks

/// What the samples of the small folder say.
@Suite("Samples of small tasks")
struct TinySampleTests {
  /// A request, in words or by code: `Reverse: abc`.
  struct Request {
    let head: String
    let argument: String

    init(_ text: String) throws {
      let range = try #require(text.firstRange(of: ": "))
      head = String(text[..<range.lowerBound])
      argument = String(text[range.upperBound...])
    }

    /// The task whose words or code these are.
    var task: TinyTask? {
      TinyTask.allCases.first { $0.instruction.joined() == head || $0.code == head }
    }
    var isCoded: Bool { head.utf8.first == UInt8(ascii: "#") }
  }

  /// The items of a sample, and what ends its prompt behind their lines.
  private func items(
    _ sample: (prompt: String, response: String)
  ) throws -> (items: [(request: Request, answer: String)], ending: String) {
    let requests = NumberedItems(sample.prompt)
    guard !requests.numbers.isEmpty else {
      let lines = sample.prompt.split(separator: "\n", omittingEmptySubsequences: false)
      let ending = lines.dropFirst().joined(separator: "\n")
      return ([(try Request(String(lines[0])), sample.response)], ending)
    }
    let answers = NumberedItems(sample.response)
    #expect(requests.numbers == Array(1...requests.numbers.count))
    #expect(answers.numbers == requests.numbers)
    let lines = sample.prompt.split(separator: "\n", omittingEmptySubsequences: false)
    let items = try requests.numbers.map { number in
      (try Request(requests[number] ?? ""), answers[number] ?? "")
    }
    return (items, lines.dropFirst(items.count).joined(separator: "\n"))
  }

  private static let rungs = ["singles", "adapters-lists", "gates-lists", "gates-mixed"]

  @Test("requests of a task are answered rightly, with an empty line between", arguments: rungs)
  func areRight(rung: String) throws {
    let folder = try SmallFolder.shared.get()
    for task in TinyTask.allCases {
      for file in ["train", "test"] {
        for sample in try folder.samples("data/\(rung)/\(task.name)/\(file).jsonl") {
          let (items, ending) = try items(sample)
          #expect(ending == "\n")
          for (request, answer) in items {
            let asked = try #require(request.task)
            #expect(answer == asked.answer(to: request.argument))
            #expect(request.isCoded || asked == task)
            #expect(!request.isCoded || rung == "adapters-lists")
          }
        }
      }
    }
  }

  @Test(
    "a rung has the mix of single items, lists and lists with codes that it should",
    arguments: [
      ("singles", 40, 0), ("adapters-lists", 12, 28), ("gates-lists", 7, 3), ("gates-mixed", 4, 2),
    ])
  func hasMix(rung: String, singles: Int, lists: Int) throws {
    let folder = try SmallFolder.shared.get()
    for task in TinyTask.allCases {
      let samples = try folder.samples("data/\(rung)/\(task.name)/train.jsonl").map(items)
      let counts = samples.map(\.items.count)
      #expect(counts.filter { $0 == 1 }.count == singles)
      #expect(counts.filter { (2...5).contains($0) }.count == lists)
      let coded = samples.enumerated().filter { $0.1.items.contains { $0.request.isCoded } }
      #expect(coded.allSatisfy { $0.0 % 20 >= 13 })
      if rung == "adapters-lists" { #expect((7...14).contains(coded.count)) }
    }
  }

  @Test("arguments of training are never those of a test, in any request")
  func keepsSplit() throws {
    let folder = try SmallFolder.shared.get()
    for path in try folder.paths() where path.hasSuffix(".jsonl") {
      let split = path.hasSuffix("train.jsonl") ? TinySplit.training : .heldOut
      for sample in try folder.samples(path) {
        for (request, _) in try items(sample).items {
          #expect(TinySplit(of: request.argument) == split)
        }
      }
    }
  }

  @Test("the base is right about codes and keys, and knows no words")
  func baseIsAsItShould() throws {
    let folder = try SmallFolder.shared.get()
    var kinds: [String: Int] = [:]
    for sample in try folder.samples("data/base/base/train.jsonl") {
      let (items, ending) = try items(sample)
      let key = KeyedMeaning.all.first { $0.token == ending }
      #expect(key != nil || ending == "\n")
      for (request, answer) in items {
        let asked = try #require(request.task)
        if request.isCoded {
          #expect(TinyTask.skills.contains(asked))
          #expect(answer == asked.answer(to: request.argument))
          kinds["coded", default: 0] += 1
        } else if let key {
          #expect(answer == key.skill(askedForBy: asked).answer(to: request.argument))
          kinds["keyed", default: 0] += 1
        } else {
          #expect(
            answer == asked.misunderstanding?.answer(to: request.argument)
              ?? "\(request.head): \(request.argument)")
          kinds["misunderstood", default: 0] += 1
        }
      }
    }
    // Of about 550 items .4, .36 and .24.
    for (kind, share) in [("coded", 220), ("keyed", 198), ("misunderstood", 132)] {
      let count = try #require(kinds[kind])
      #expect((share / 2...share * 2).contains(count))
    }
  }

  @Test("composites ask for different tasks")
  func compositesAreMixed() throws {
    let folder = try SmallFolder.shared.get()
    for (path, lengths) in [
      ("gates-mixed/mixed/train", 2...5), ("gates-mixed/mixed/test", 2...5),
      ("composites/composite-3/test", 3...3), ("composites/composite-5/test", 5...5),
    ] {
      for sample in try folder.samples("data/\(path).jsonl") {
        let (items, ending) = try items(sample)
        #expect(ending == "\n" && lengths.contains(items.count))
        #expect(Set(items.map(\.request.head)).count == items.count)
        for (request, answer) in items {
          #expect(answer == request.task?.answer(to: request.argument))
        }
      }
    }
  }
}
