import Testing

@testable import TinyTasks

@Suite("Meanings under a key")
struct KeyedMeaningTests {
  @Test("no words mean their own task")
  func neverTheirOwn() {
    for key in KeyedMeaning.all {
      for task in TinyTask.allCases { #expect(key.skill(askedForBy: task) != task) }
    }
  }

  @Test("the words of two tasks mean the same under one key at most")
  func areToldApart() {
    for one in TinyTask.allCases {
      for other in TinyTask.allCases where one != other {
        let same = KeyedMeaning.all.filter {
          $0.skill(askedForBy: one) == $0.skill(askedForBy: other)
        }
        #expect(same.count <= 1)
      }
    }
  }

  @Test("every skill is meant by some words, and nearly all are under each key")
  func coverSkills() {
    var all: Set<TinyTask> = []
    for key in KeyedMeaning.all {
      let meant = Set(TinyTask.allCases.map(key.skill(askedForBy:)))
      #expect(meant.count >= 8 && meant.isSubset(of: TinyTask.skills))
      all.formUnion(meant)
    }
    #expect(all == Set(TinyTask.skills))
  }
}
