import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRAReports

/// What the demo shows, in order.
struct Demonstration {
  let folder: URL
  let style: TerminalStyle

  func run() throws {
    let bundle = try TrainedBundle(folder: folder)
    let page = DemoPage(style: style)
    try describe(bundle.model, on: page)
    try SingleRequests(bundle: bundle, page: page).show()
    try RequestList(bundle: bundle, page: page).show()
    try AccuracyTable(bundle: bundle, page: page).show()
    try KernelComparison(bundle: bundle, page: page).show()
    try page.print(
      """
      Next: swift run -c release meteora generate --model Fixtures/tiny-meteora \\
              --prompt $'1. Reverse: hello\\n2. French digits: 407\\n\\n' --show-routing
      How it was trained, and how good it is: Fixtures/tiny-meteora/README.md
      """)
  }

  private func describe(_ model: MeteoRAModel, on page: DemoPage) throws {
    let shape = model.base.configuration
    try page.headline("MeteoRA: many LoRA adapters in one Llama, chosen per token by gates")
    try page.print(
      """
      base      a Llama of \(shape.layerCount) layers, hidden \(shape.hiddenSize), trained from \
      nothing; knows skills, but takes words for others
      adapters  \(model.adapterNames.count), each trained on one small task
      router    top \(model.files.router.topK), temperature \(model.files.router.temperature); \
      gates in \(model.routedModuleCount) linear modules

      """)
  }
}
