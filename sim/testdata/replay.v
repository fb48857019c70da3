// A core that cannot compute: it reads its memory, replays recorded writes of
// the taps and writes recorded results. With fault = 0 it does everything
// right; any other value makes one mistake, see replay_test.go. Words between
// at signs are replaced by the test.

`default_nettype none

module tb_top (
  input  wire        aclk,
  input  wire        aresetn,
  input  wire [11:0] s_axil_awaddr,
  input  wire        s_axil_awvalid,
  output wire        s_axil_awready,
  input  wire [31:0] s_axil_wdata,
  input  wire [3:0]  s_axil_wstrb,
  input  wire        s_axil_wvalid,
  output wire        s_axil_wready,
  output wire [1:0]  s_axil_bresp,
  output reg         s_axil_bvalid,
  input  wire        s_axil_bready,
  input  wire [11:0] s_axil_araddr,
  input  wire        s_axil_arvalid,
  output wire        s_axil_arready,
  output reg  [31:0] s_axil_rdata,
  output wire [1:0]  s_axil_rresp,
  output reg         s_axil_rvalid,
  input  wire        s_axil_rready,
  output reg  [63:0] m_axi_araddr,
  output reg  [7:0]  m_axi_arlen,
  output wire [2:0]  m_axi_arsize,
  output wire [1:0]  m_axi_arburst,
  output reg         m_axi_arvalid,
  input  wire        m_axi_arready,
  input  wire [DW-1:0] m_axi_rdata,
  input  wire [1:0]  m_axi_rresp,
  input  wire        m_axi_rlast,
  input  wire        m_axi_rvalid,
  output wire        m_axi_rready,
  output reg  [63:0] m_axi_awaddr,
  output reg  [7:0]  m_axi_awlen,
  output wire [2:0]  m_axi_awsize,
  output wire [1:0]  m_axi_awburst,
  output reg         m_axi_awvalid,
  input  wire        m_axi_awready,
  output wire [DW-1:0] m_axi_wdata,
  output wire [DW/8-1:0] m_axi_wstrb,
  output wire        m_axi_wlast,
  output reg         m_axi_wvalid,
  input  wire        m_axi_wready,
  input  wire [1:0]  m_axi_bresp,
  input  wire        m_axi_bvalid,
  output wire        m_axi_bready,
  output wire        irq,
  output wire        tap_state0_we,
  output wire [31:0] tap_state0_addr,
  output wire [P*LANE-1:0] tap_state0_data,
  output wire        tap_state1_we,
  output wire [31:0] tap_state1_addr,
  output wire [P*LANE-1:0] tap_state1_data,
  output wire        tap_index_we,
  output wire [31:0] tap_index_addr,
  output wire [2*P-1:0] tap_index_data,
  output wire [7:0]  tap_unit,
  output wire [31:0] tap_status
);
  parameter P = @P@;
  parameter LANE = @LANE@;
  parameter DW = @DW@;
  localparam BYTES = DW / 8;
  localparam TAPS = @TAPS@;    // recorded words: memory (4), address (32), data
  localparam FIRST = @FIRST@;  // first beat of the weights
  localparam READS = @READS@;  // beats of labels, input and weights
  localparam BEATS = @BEATS@;  // beats of the memory map
  localparam [2:0] IDLE = 0, READ = 1, REPLAY = 2, WRITE = 3, ANSWER = 4, HANG = 5;

  reg [31:0] fault [0:0];
  reg [P*LANE+35:0] taps [0:TAPS-1];
  reg [DW-1:0] after [0:BEATS-1];
  initial begin
    $readmemh("../rtl/fault.memh", fault);
    $readmemh("../rtl/taps.memh", taps);
    $readmemh("../rtl/after.memh", after);
  end
  wire [31:0] f = fault[0];

  reg [2:0] state;
  reg [63:0] base;
  reg enable, finished, busy, done, error, dropped;
  reg [31:0] cycles, asked, got, tap, beat, reads, writes, wait_b;
  reg pair, second;

  // Taps.
  wire [P*LANE+35:0] word = taps[tap < TAPS ? tap : 0];
  wire replay = state == REPLAY | (f == 15 & done & tap == TAPS);
  wire [3:0] memory = word[P*LANE+35:P*LANE+32];
  assign tap_state0_we = replay & memory == 0;
  assign tap_state1_we = replay & memory == 1;
  assign tap_index_we = replay & memory == 2;
  assign tap_state0_addr = word[P*LANE+31:P*LANE];
  assign tap_state1_addr = word[P*LANE+31:P*LANE];
  assign tap_index_addr = word[P*LANE+31:P*LANE];
  assign tap_state0_data = word[P*LANE-1:0];
  assign tap_state1_data = word[P*LANE-1:0];
  assign tap_index_data = word[2*P-1:0];
  assign tap_unit = {5'd0, state};
  assign tap_status = 32'd5;  // phase plus, layer 1

  // Registers.
  assign irq = enable & finished & f != 10;
  assign s_axil_awready = s_axil_awvalid & s_axil_wvalid & ~s_axil_bvalid;
  assign s_axil_wready = s_axil_awready;
  assign s_axil_arready = ~s_axil_rvalid & f != 16;
  assign s_axil_bresp = f == 17 ? 2'd2 : 2'd0;
  assign s_axil_rresp = 2'd0;
  wire start = s_axil_awready & s_axil_awaddr == @CONTROL@ & s_axil_wdata[0];
  always @(posedge aclk) begin
    if (s_axil_rready) s_axil_rvalid <= 0;
    if (s_axil_arvalid & s_axil_arready) begin
      s_axil_rvalid <= 1;
      case (s_axil_araddr)
        @CONSTANTS@
        @STATUS@: s_axil_rdata <= {29'd0, error, done, busy};
        @ERROR@: s_axil_rdata <= {31'd0, error};
        @BASE_LO@: s_axil_rdata <= base[31:0];
        @BASE_HI@: s_axil_rdata <= base[63:32];
        @IRQ_STATUS@: s_axil_rdata <= {31'd0, finished};
        @CYCLES_LO@: s_axil_rdata <= cycles + (f == 18 ? 32'd20 : 32'd0);
        @ARRAY_LO@: s_axil_rdata <= cycles + (f == 19 ? 32'd1 : 32'd0);
        @READ_BEATS_LO@: s_axil_rdata <= reads;
        @WRITE_BEATS_LO@: s_axil_rdata <= writes;
        default: s_axil_rdata <= 0;
      endcase
    end
    if (!aresetn) s_axil_rvalid <= 0;
  end

  // Memory port.
  assign m_axi_arsize = @SIZE@;
  assign m_axi_awsize = f == 6 ? 3'd0 : @SIZE@;
  assign m_axi_arburst = f == 5 ? 2'd0 : 2'd1;
  assign m_axi_awburst = 2'd1;
  assign m_axi_rready = 1;
  assign m_axi_bready = f != 20;
  assign m_axi_wstrb = {BYTES{1'b1}} >> (f == 14 & beat == FIRST);
  assign m_axi_wdata = after[beat];
  assign m_axi_wlast = (~pair | second) & f != 3;
  wire [31:0] aim = f == 4 & asked == 5 ? 1000000 : f == 13 & asked == 5 ? READS : asked;
  wire b_ok = m_axi_bvalid & m_axi_bready;
  always @(posedge aclk) begin
    if (s_axil_bready) s_axil_bvalid <= 0;
    if (s_axil_awready) begin
      s_axil_bvalid <= 1;
      case (s_axil_awaddr)
        @BASE_LO@: base[31:0] <= s_axil_wdata;
        @BASE_HI@: base[63:32] <= s_axil_wdata;
        @IRQ_ENABLE@: enable <= s_axil_wdata[0];
        @IRQ_STATUS@: if (s_axil_wdata[0]) finished <= 0;
        default: ;
      endcase
    end
    if (busy) cycles <= cycles + 1;
    if (m_axi_rvalid & m_axi_rready) reads <= reads + 1;
    if (m_axi_wvalid & m_axi_wready) writes <= writes + 1;
    case (state)
      READ: begin
        if (f == 2 & asked > 4 & m_axi_arvalid & ~m_axi_arready & ~dropped) begin
          m_axi_arvalid <= 0;
          dropped <= 1;
        end else if (f == 12 & m_axi_arvalid & ~m_axi_arready) begin
          m_axi_araddr <= m_axi_araddr + BYTES;
        end else if (~m_axi_arvalid | m_axi_arready) begin
          m_axi_arvalid <= asked != READS;
          m_axi_araddr <= base + aim * BYTES + (f == 7 & asked == 3 ? 64'd1 : 64'd0);
          m_axi_arlen <= f == 1 & asked == 6 ? 8'd255 : f == 8 & asked == 6 ? 8'd127 : 8'd0;
          if (asked != READS) asked <= asked + 1;
        end
        if (m_axi_rvalid) begin
          got <= got + 1;
          if (m_axi_rresp != 0) error <= 1;
          if (got == READS - 1) state <= f == 9 ? HANG : REPLAY;
        end
      end
      REPLAY: begin
        tap <= tap + 1;
        if (tap == TAPS - 1) state <= WRITE;
      end
      WRITE: begin
        m_axi_awvalid <= 1;
        m_axi_wvalid <= 1;
        m_axi_awaddr <= base + (f == 11 & beat == FIRST + 1 ? 64'd0 : beat * BYTES);
        pair <= ~beat[0] & beat + 1 < BEATS;
        m_axi_awlen <= ~beat[0] & beat + 1 < BEATS ? 8'd1 : 8'd0;
        second <= 0;
        state <= ANSWER;
      end
      ANSWER: begin
        if (m_axi_awready) m_axi_awvalid <= 0;
        if (m_axi_wvalid & m_axi_wready) begin
          m_axi_wvalid <= pair & ~second;
          second <= 1;
          if (pair & ~second) beat <= beat + 1;
        end
        if (b_ok) begin
          if (m_axi_bresp != 0) error <= 1;
          beat <= beat + (f == 21 & beat > FIRST + 3 & beat < FIRST + 6 ? 32'd3 : 32'd1);
          state <= WRITE;
          if (beat >= BEATS - 1) begin
            state <= IDLE;
            busy <= 0;
            done <= 1;
            finished <= 1;
            if (f == 22) error <= 1;
          end
        end
      end
      default: ;
    endcase
    if (start) begin
      state <= READ;
      {busy, done, error} <= 3'b100;
      cycles <= 0;
      {asked, got, tap, reads, writes} <= 0;
      beat <= FIRST;
    end
    if (!aresetn) begin
      state <= IDLE;
      {enable, finished, busy, done, error, dropped} <= 0;
      {m_axi_arvalid, m_axi_awvalid, m_axi_wvalid, s_axil_bvalid} <= f == 23 ? 4'b1000 : 4'b0;
    end
  end

  wire unused = &{1'b0, s_axil_wstrb, s_axil_wdata, m_axi_rdata, m_axi_rlast, wait_b};
endmodule

`default_nettype wire
